// The demos, in the order of the list.

export const DEMOS = [
  {
    name: "prices",
    title: "Price ticker",
    about: "The server pushes, and only the newest price counts: who reads slowly skips the ones in between, and sees how many.",
    wire: "WebSocket, native protocol, a keep-latest namespace",
    people: "one tab, and a terminal if you like",
  },
  {
    name: "cursors",
    title: "Catch the dot",
    about: "Everybody’s cursor in one field, as a game: who reaches the ring first gets the point. The order of the channel is the referee.",
    wire: "WebSocket, a plain channel, binary frames of 12 bytes",
    people: "two tabs, or a phone and a friend",
  },
  {
    name: "job",
    title: "Job progress",
    about: "A program that runs elsewhere tells how far it is, and its log, with nothing but curl. Load the page again: all of it is still there.",
    wire: "Server-sent events, history; POST for the way up",
    people: "one tab and a terminal",
  },
] as const;
