/** The running desktops of all people. */

import { listPools, listSessions } from "../../../gateway/admin/admin_client.ts";
import type { Session } from "../../../gateway/admin/shapes.ts";
import { adminPath } from "../admin_route.ts";
import { agoText, numberText } from "../format.ts";
import { ListView } from "../list_view.ts";
import { poolTitle } from "../parts.ts";
import { sessionState } from "../session_parts.ts";
import { type Column, Table } from "../table.ts";
import { adminTexts, nameIn } from "../texts.ts";
import type { Admin, View } from "../view.ts";

/** States that can be chosen. */
const STATES = ["ready", "starting", "ending"];
/** The choice of a pool offers at most this number of pools. */
const POOLS_MAX = 200;

export function sessionColumns(): readonly Column<Session>[] {
  const t = adminTexts().sessions;
  return [
    { label: t.person, cell: ({ person }) => person || "–" },
    { label: t.desktop, cell: ({ desktop }) => desktop },
    { label: t.state, cell: sessionState },
    { label: t.since, class: "number", cell: ({ since }) => agoText(since, Date.now()) },
    { label: t.viewers, class: "number", cell: ({ viewers }) => numberText(viewers) },
    { label: t.place, class: "wide", cell: ({ place }) => place || "–" },
    { label: t.address, class: "wide", cell: ({ address }) => address || "–" },
  ];
}

export function sessionsView(admin: Admin): View {
  const t = adminTexts();
  const table = new Table<Session>({
    caption: t.nav.sessions,
    columns: sessionColumns(),
    keyOf: ({ id }) => id,
    hrefOf: ({ id }) => adminPath("sessions", id),
  });
  const list = new ListView<Session>({
    admin,
    title: t.nav.sessions,
    table,
    load: listSessions,
    searchLabel: t.sessions.search,
    filters: [
      { name: "pool", label: t.sessions.pool, kind: "choice", options: [] },
      {
        name: "state",
        label: t.sessions.state,
        kind: "choice",
        options: STATES.map((name) => [name, nameIn(t.states, name)]),
      },
    ],
    empty: t.messages.empty.sessions,
    nothingFound: t.messages.empty.sessionsFound,
  });
  const offerPools = async (): Promise<void> => {
    if (!admin.maySee("pools")) return;
    const pools = await listPools({ limit: POOLS_MAX });
    if (pools.ok)
      list.offer(
        "pool",
        pools.value.items.map((pool) => [pool.name, poolTitle(pool)] as const),
      );
  };
  return {
    element: list.element,
    title: t.nav.sessions,
    search: list.search,
    shown: () => {
      void list.refresh();
      void offerPools();
    },
    changed: ({ topic }) => {
      if (topic === "sessions") list.changed();
    },
    close: () => list.close(),
  };
}
