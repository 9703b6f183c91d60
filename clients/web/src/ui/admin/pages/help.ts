/** The helpdesk: a name is typed, and leads to the person with their desktops and what can be done. */

import { listPeople } from "../../../gateway/admin/admin_client.ts";
import { h } from "../../dom.ts";
import { sentences } from "../../message.ts";
import { emptyState } from "../list_view.ts";
import { adminTexts } from "../texts.ts";
import type { Admin, View } from "../view.ts";
import { peopleTable } from "./people.ts";

/** People that are offered; more than these need a longer text. */
const OFFERED = 8;
/** After the last key the server is asked after this time, ms. */
const TYPING_MS = 150;

export function helpView(admin: Admin): View {
  const t = adminTexts();
  const table = peopleTable();
  const result = h("div", { attrs: { "aria-live": "polite" } });
  let turn = 0;
  let closed = false;
  let typing: ReturnType<typeof setTimeout> | undefined;

  const hint = (): void => result.replaceChildren(h("p", { class: "muted" }, t.help.hint));
  const ask = async (open: boolean): Promise<void> => {
    const now = ++turn;
    const q = search.value.trim();
    if (q === "") {
      hint();
      return;
    }
    const answer = await listPeople({ q, limit: OFFERED });
    if (closed || now !== turn) return;
    if (!answer.ok) {
      const reason = admin.messageOf(answer.failure);
      if (reason !== null) result.replaceChildren(h("p", { class: "alert" }, sentences(reason)));
      return;
    }
    const { items } = answer.value;
    if (items.length === 0) {
      result.replaceChildren(emptyState(t.messages.empty.peopleFound));
      return;
    }
    table.show(items);
    if (!result.contains(table.element)) result.replaceChildren(table.element);
    // Enter opens the only person that was found, and otherwise goes to the rows.
    if (open && items.length === 1) result.querySelector<HTMLAnchorElement>("a[data-row]")?.click();
    else if (open) table.focusFirst();
  };
  const search = h("input", {
    class: "field search help-search",
    attrs: {
      type: "search",
      placeholder: t.help.search,
      "aria-label": t.help.search,
      "aria-keyshortcuts": "/",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: "200",
    },
    on: {
      input: () => {
        clearTimeout(typing);
        typing = setTimeout(() => void ask(false), TYPING_MS);
      },
      keydown: (event) => {
        if (event.isComposing) return;
        if (event.key === "ArrowDown" && table.focusFirst()) event.preventDefault();
        if (event.key !== "Enter") return;
        event.preventDefault();
        clearTimeout(typing);
        void ask(true);
      },
    },
  });
  hint();
  return {
    element: h("div", { class: "list help" }, h("h1", {}, t.help.title), search, result),
    title: t.nav.help,
    search,
    shown: () => search.focus(),
    close: () => {
      closed = true;
      clearTimeout(typing);
    },
  };
}
