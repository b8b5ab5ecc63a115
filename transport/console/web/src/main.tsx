import {render} from "preact";
import {App} from "./app.tsx";
import {start} from "./state.ts";
import "./style.css";

start();
const at = document.getElementById("app");
if (at) render(<App />, at);
