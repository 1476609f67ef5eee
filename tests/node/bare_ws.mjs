// A rival of the benchmarks: the bare `ws` package, parsing and writing JSON, validating nothing.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });

server.on("connection", (socket) => {
  socket.on("message", (bytes) => {
    const message = JSON.parse(bytes.toString());
    const answer = JSON.stringify(message);
    if (message.room === undefined) {
      socket.send(answer);
      return;
    }
    for (const member of server.clients) {
      if (member !== socket) member.send(answer);
    }
  });
});
