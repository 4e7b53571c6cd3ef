// The page's script: fills the body.
import { render } from "preact";
import "../style/base.css";
import { Header } from "../ui/header.tsx";

render(<><Header here="/" /><main id="main" /></>, document.getElementById("app")!);
