// The page of a room: the bar of the site, and the component that any site can have.
import { render } from "preact";
import "../style/base.css";
import "./page.css";
import { Header } from "../ui/header.tsx";
import "./element.tsx";
import { roomOf, titleOf } from "./model/address.ts";

const room = roomOf(location.pathname);
let unseen = 0;
const tell = () => (document.title = titleOf(room, unseen));

document.addEventListener("tidewire-message", () => {
  if (document.hidden) {
    unseen += 1;
    tell();
  }
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    unseen = 0;
    tell();
  }
});
tell();
render(<><Header here="/chat/lobby" /><main id="main"><h1 class="sr">Chat</h1><tidewire-chat room={room} server={new URL("../", location.href).href} /></main></>, document.getElementById("app")!);
