"""What both Python peers share: connections that count their bytes, and an inflater that keeps to its window."""

import zlib

from websockets.extensions import permessage_deflate

from common import far_repeats


class Counted:
    """Mixed into a `websockets` connection: bytes on the wire, each way."""

    wire_in = 0
    wire_out = 0

    def connection_made(self, transport):
        plain = self.protocol.data_to_send

        def counted():
            chunks = plain()
            self.wire_out += sum(map(len, chunks))
            return chunks

        self.protocol.data_to_send = counted
        super().connection_made(transport)

    def data_received(self, data):
        self.wire_in += len(data)
        super().data_received(data)


class StrictInflate:
    """zlib's inflater accepts a distance beyond the window while the output of the same call
    reaches back that far. In steps of 64 bytes it has nothing but the window."""

    def __init__(self, wbits):
        self.inner = zlib.decompressobj(wbits=wbits)
        self.unconsumed_tail = b""

    @property
    def eof(self):
        return self.inner.eof

    @property
    def unused_data(self):
        return self.inner.unused_data

    def decompress(self, data, max_length=0):
        out, at, piece = bytearray(), 0, b""
        while not max_length or len(out) < max_length:
            step = min(64, max_length - len(out)) if max_length else 64
            some = self.inner.decompress(piece, step)
            out += some
            piece = self.inner.unconsumed_tail
            if len(some) == step and not self.inner.eof:
                continue  # there may be more, even from input already taken
            if at >= len(data) or self.inner.eof:
                break
            piece, at = bytes(data[at : at + 4096]), at + 4096
        self.unconsumed_tail = piece + bytes(data[at:])
        return bytes(out)

    def flush(self):
        return self.inner.flush()


class StrictZlib:
    """The module `zlib`, with `StrictInflate` as its inflater."""

    def __getattr__(self, name):
        return getattr(zlib, name)

    @staticmethod
    def decompressobj(wbits=15):
        return StrictInflate(wbits)


permessage_deflate.zlib = StrictZlib()


def window_check():
    """The case that shows the check itself can fail."""
    encoder = zlib.compressobj(wbits=-15)
    data = encoder.compress(far_repeats().encode()) + encoder.flush(zlib.Z_SYNC_FLUSH)
    for bits in range(9, 15):
        try:
            StrictInflate(-bits).decompress(data)
        except zlib.error:
            continue
        raise AssertionError(f"an encoder with a window of 15 bits passes for {bits}")
    return "output of a 15-bit encoder is refused at 9 … 14 bits"
