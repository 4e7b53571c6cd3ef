"""Runs wstest with its fuzzing server on 127.0.0.1 only, at a port the system chooses.

Python 2.7, like wstest. By itself the fuzzing server listens on every interface, whatever its
URL says. Prints `listening on ws://127.0.0.1:PORT/` once clients may come, and ends when the
process that started it is gone.
"""

import os
import sys

from autobahntestsuite import wstest  # before anything of twisted: it chooses the reactor
from twisted.internet import task

STARTED_BY = os.getppid()
LISTEN = wstest.fuzzing.listenWS


def listen_on_loopback(factory, context_factory=None):
    factory.port = 0
    listener = LISTEN(factory, context_factory, interface="127.0.0.1")
    # A Host header that names another port is refused.
    factory.externalPort = listener.getHost().port
    sys.stdout.write("listening on ws://127.0.0.1:%d/\n" % factory.externalPort)
    sys.stdout.flush()
    return listener


def end_with_the_parent():
    if os.getppid() != STARTED_BY:
        os._exit(1)


wstest.fuzzing.listenWS = listen_on_loopback
task.LoopingCall(end_with_the_parent).start(2)
wstest.run()
