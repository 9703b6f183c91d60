/** The pools: how many desktops wait and are in use, maintenance, and why a pool starts none. */

import { listPools, retryPool, setMaintenance } from "../../../gateway/admin/admin_client.ts";
import type { Pool } from "../../../gateway/admin/shapes.ts";
import { h } from "../../dom.ts";
import { adminPath } from "../admin_route.ts";
import { numberText } from "../format.ts";
import { ListView } from "../list_view.ts";
import { action, link, poolTitle, state } from "../parts.ts";
import { Table } from "../table.ts";
import { adminTexts } from "../texts.ts";
import type { Admin, View } from "../view.ts";

export function poolsView(admin: Admin): View {
  const t = adminTexts();
  const p = t.pools;
  const table = new Table<Pool>({
    caption: t.nav.pools,
    keyOf: ({ name }) => name,
    hrefOf: ({ name }) => adminPath("pools", name),
    columns: [
      { label: p.name, cell: poolTitle },
      { label: p.state, cell: poolState },
      { label: p.spare, class: "number", cell: spareText },
      { label: p.assigned, class: "number", cell: inUseText },
      { label: p.image, class: "wide", cell: ({ imageVersion }) => imageVersion || "–" },
      {
        label: t.sessions.actions,
        silent: true,
        class: "row-actions",
        cell: (pool) => poolActions(admin, pool, refresh),
      },
    ],
  });
  const list = new ListView<Pool>({
    admin,
    title: t.nav.pools,
    table,
    load: listPools,
    searchLabel: p.search,
    empty: t.messages.empty.pools,
    nothingFound: t.messages.empty.poolsFound,
  });
  const refresh = (): void => void list.refresh();
  return {
    element: list.element,
    title: t.nav.pools,
    search: list.search,
    shown: refresh,
    changed: ({ topic }) => {
      if (topic === "pools") list.changed();
    },
    close: () => list.close(),
  };
}

/** The state of a pool; below it why the pool starts no desktops. */
export function poolState(pool: Pool): HTMLElement {
  const shown = state(pool.maintenance ? "maintenance" : pool.state);
  if (pool.lastError === "" || pool.state === "normal") return shown;
  return h("span", {}, shown, h("span", { class: "second-line error-text" }, pool.lastError));
}

/** Desktops that wait, and how many ought to. */
export function spareText({ ready, minimum }: Pool): string {
  return `${numberText(ready)} / ${numberText(minimum)}`;
}

/** Desktops that belong to somebody, and how many there may be. */
export function inUseText({ assigned, maximum }: Pool): string {
  return maximum === 0 ? numberText(assigned) : `${numberText(assigned)} / ${numberText(maximum)}`;
}

/** Maintenance, and a new attempt of a restrained pool. */
export function poolActions(admin: Admin, pool: Pool, done: () => void): HTMLElement | null {
  if (!admin.may("change-pool")) return null;
  const t = adminTexts();
  const { questions } = t;
  const title = poolTitle(pool);
  const { name, maintenance } = pool;
  const question = maintenance
    ? questions.resume(title)
    : questions.maintain(title, numberText(pool.ready), numberText(pool.assigned));
  const button = (label: string, ask: () => void): HTMLElement => {
    const element = action(label, ask, "secondary small");
    element.setAttribute("aria-label", `${label} ${title}`);
    return element;
  };
  const retry = button(t.pools.retry, () =>
    admin.ask({ question: questions.retry(title), run: () => retryPool(name), done }),
  );
  const maintain = button(maintenance ? t.pools.resume : t.pools.maintain, () =>
    admin.ask({ question, grave: !maintenance, run: () => setMaintenance(name, !maintenance), done }),
  );
  return h("span", { class: "buttons" }, pool.state === "restrained" ? retry : null, maintain);
}

/** A link to the page of a pool. */
export function poolLink(pool: Pool): HTMLElement {
  return link(adminPath("pools", pool.name), poolTitle(pool));
}
