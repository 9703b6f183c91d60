/** One pool: its numbers, its image, and whose its desktops are. */

import {
  assignDesktop,
  assignmentsOf,
  poolOf,
  recomposePool,
  releaseDesktop,
  rollBackPool,
} from "../../../gateway/admin/admin_client.ts";
import type { Assignment, Pool } from "../../../gateway/admin/shapes.ts";
import type { Answer } from "../../../gateway/gateway_client.ts";
import { h } from "../../dom.ts";
import { adminPath } from "../admin_route.ts";
import { DetailView } from "../detail_view.ts";
import { numberText } from "../format.ts";
import { emptyState } from "../list_view.ts";
import { action, facts, link, poolTitle, section, state } from "../parts.ts";
import { Table } from "../table.ts";
import { adminTexts, nameIn } from "../texts.ts";
import type { Admin, View } from "../view.ts";
import { inUseText, poolActions, poolState, spareText } from "./pools.ts";

/** Longest name, characters. */
const NAME_MAX = 128;
/** The part of a pool that gets a new version first, %. */
const CANARY_PERCENT = 10;

interface PoolWithPeople {
  readonly pool: Pool;
  readonly assignments: readonly Assignment[];
}

export function poolView(admin: Admin, name: string): View {
  const t = adminTexts();
  const detail = new DetailView<PoolWithPeople>({
    admin,
    list: "pools",
    title: name,
    load: () => load(name),
    heading: ({ pool }) => poolTitle(pool),
    draw: (found) => draw(admin, found, () => void detail.refresh()),
  });
  return {
    element: detail.element,
    title: t.nav.pools,
    shown: () => void detail.refresh(),
    changed: ({ topic }) => {
      if (topic === "pools") detail.changed();
    },
    close: () => detail.close(),
  };
}

async function load(name: string): Promise<Answer<PoolWithPeople>> {
  const pool = await poolOf(name);
  if (!pool.ok) return pool;
  const listed = pool.value.kind === "dedicated" ? await assignmentsOf(name) : null;
  return { ok: true, value: { pool: pool.value, assignments: listed?.ok === true ? listed.value.items : [] } };
}

function draw(admin: Admin, { pool, assignments }: PoolWithPeople, done: () => void): readonly (Node | null)[] {
  const t = adminTexts();
  const p = t.pools;
  return [
    admin.may("change-pool")
      ? h("div", { class: "actions" }, poolActions(admin, pool, done), imageActions(admin, pool, done))
      : null,
    h(
      "div",
      { class: "columns" },
      section(
        p.name,
        facts(
          [p.state, poolState(pool)],
          [p.kind, nameIn(p.kinds, pool.kind)],
          [p.spare, spareText(pool)],
          [p.assigned, inUseText(pool)],
          [p.starting, numberText(pool.starting)],
          [p.failed, numberText(pool.failed)],
        ),
        h("p", { class: "section-links" }, link(adminPath("sessions", undefined, { pool: pool.name }), p.showSessions)),
      ),
      section(
        p.image,
        facts(
          [p.version, pool.imageVersion || t.unknown],
          [p.target, pool.imageTarget],
          [p.canaries, pool.imageTarget === "" ? null : numberText(pool.canaries)],
          [p.former, pool.former === 0 ? null : numberText(pool.former)],
          [p.lastError, pool.rolloutError === "" ? null : h("span", { class: "error-text" }, pool.rolloutError)],
          [p.versions, pool.versions.join(", ")],
        ),
      ),
    ),
    pool.kind === "dedicated" ? people(admin, pool, assignments, done) : null,
  ];
}

function imageActions(admin: Admin, pool: Pool, done: () => void): HTMLElement {
  const t = adminTexts();
  const title = poolTitle(pool);
  const others = pool.versions.filter((version) => version !== pool.imageVersion);
  const recompose = (): void =>
    admin.ask({
      question: t.questions.recompose(title),
      fields: [
        {
          name: "version",
          label: t.pools.version,
          kind: "choice",
          choices: others.map((version) => [version, version] as const),
          longest: 0,
        },
        { name: "minutes", label: t.fields.withinMinutes, kind: "text", longest: 6, optional: true },
      ],
      run: ({ version = "", minutes = "" }) =>
        recomposePool(pool.name, version, CANARY_PERCENT, minutes === "" ? null : Number(minutes)),
      done,
    });
  const back = (): void =>
    admin.ask({
      question: t.questions.rollBack(title, pool.imageTarget || pool.imageVersion),
      grave: true,
      run: () => rollBackPool(pool.name),
      done,
    });
  return h(
    "span",
    { class: "buttons" },
    others.length > 0 ? action(t.pools.recompose, recompose, "secondary small") : null,
    pool.imageTarget === "" ? null : action(t.pools.rollBack, back, "secondary small"),
  );
}

/** Whose the desktops of a dedicated pool are. */
function people(admin: Admin, pool: Pool, assignments: readonly Assignment[], done: () => void): HTMLElement {
  const t = adminTexts();
  const title = poolTitle(pool);
  const assign = (): void =>
    admin.ask({
      question: t.questions.assign(title),
      fields: [{ name: "person", label: t.fields.username, kind: "text", longest: NAME_MAX }],
      run: ({ person = "" }) => assignDesktop(pool.name, person),
      done,
    });
  const release = (person: string): HTMLElement => {
    const ask = (): void =>
      admin.ask({
        question: t.questions.release(person, title),
        grave: true,
        run: () => releaseDesktop(pool.name, person),
        done,
      });
    const button = action(t.pools.release, ask, "secondary small");
    button.setAttribute("aria-label", `${t.pools.release} ${person}`);
    return button;
  };
  const change = admin.may("change-pool");
  const table = new Table<Assignment>({
    caption: t.pools.people,
    keyOf: ({ place }) => String(place),
    hrefOf: ({ person }) => adminPath("people", person),
    columns: [
      { label: t.sessions.person, cell: ({ person }) => person },
      { label: t.sessions.place, class: "number", cell: ({ place }) => numberText(place) },
      { label: t.sessions.state, cell: (one) => h("span", {}, state(one.state, t.pools.assignments), ` ${one.error}`) },
      {
        label: t.sessions.actions,
        silent: true,
        class: "row-actions",
        cell: ({ person }) => (change ? release(person) : null),
      },
    ],
  });
  table.show(assignments);
  return section(
    t.pools.people,
    change ? h("div", { class: "actions" }, action(t.pools.assign, assign, "secondary small")) : null,
    assignments.length === 0 ? emptyState(t.messages.empty.assignments) : table.element,
  );
}
