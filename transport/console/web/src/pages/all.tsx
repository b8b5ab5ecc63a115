// The list of pages, in the order of the menu.

import type {ComponentType} from "preact";
import {href} from "../state.ts";
import {ConnectionPage, Connections} from "./connections.tsx";
import {ClosedConnections, Refusals} from "./ended.tsx";
import {Backends, Outposts, Settings, Tenants} from "./operations.tsx";
import {Playground} from "./playground.tsx";
import {Overview} from "./overview.tsx";
import {TopicPage, Topics} from "./topics.tsx";
import {UserPage, Users} from "./users.tsx";
import {Why} from "./why.tsx";
import {WordsPage} from "./words.tsx";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each route has parameters of its own
type Shown = ComponentType<any>;

export interface Place {
  name: string;
  /** After g, the key that goes there. */
  letter: string;
  routes: [pattern: string, shown: Shown][];
  href: () => string;
  here: (path: string) => boolean;
  /** In dev mode alone. */
  dev?: boolean;
}

function place(name: string, letter: string, slug: string, list: Shown, one?: [pattern: string, shown: Shown]): Place {
  const at = "/console/" + slug;
  return {
    name,
    letter,
    href: () => href(slug),
    here: (path) => path === at || (slug !== "" && path.startsWith(at + "/")),
    routes: one
      ? [
          [at, list],
          [at + "/" + one[0], one[1]],
        ]
      : [[at, list]],
  };
}

export const pages: Place[] = [
  {
    name: "Playground",
    letter: "y",
    routes: [["/", Playground]],
    href: () => "/",
    here: (path) => path === "/",
    dev: true,
  },
  place("Overview", "o", "", Overview),
  place("Connections", "c", "connections", Connections, [":id", ConnectionPage]),
  place("Closed", "d", "closed", ClosedConnections),
  place("Refused", "r", "refused", Refusals),
  place("Why?", "q", "why", Why),
  place("Topics", "t", "topics", Topics, [":name", TopicPage]),
  place("Users", "u", "users", Users, [":name", UserPage]),
  place("Words", "w", "words", WordsPage),
  place("Tenants", "n", "tenants", Tenants),
  place("Backends", "b", "backends", Backends),
  place("Outposts", "p", "outposts", Outposts),
  place("Settings", "s", "settings", Settings),
];
