/** The effective policy of a person on a desktop, with the rule from which each value comes. */

import { effectivePolicy } from "../../../gateway/admin/admin_client.ts";
import type { PolicyValue } from "../../../gateway/admin/shapes.ts";
import { h } from "../../dom.ts";
import { sentences } from "../../message.ts";
import { emptyState } from "../list_view.ts";
import { section } from "../parts.ts";
import { Table } from "../table.ts";
import { adminTexts } from "../texts.ts";
import type { Admin, View } from "../view.ts";

/** Longest name, characters. */
const NAME_MAX = 64;

export function policiesView(admin: Admin): View {
  const t = adminTexts();
  const p = t.policies;
  const field = (name: string, label: string): HTMLInputElement =>
    h("input", {
      class: "field",
      attrs: { name, "aria-label": label, placeholder: label, autocomplete: "off", maxlength: String(NAME_MAX) },
    });
  const person = field("person", p.person);
  const desktop = field("desktop", p.desktop);
  const result = h("div", { attrs: { role: "status" } });
  const table = new Table<PolicyValue>({
    caption: p.effective,
    keyOf: ({ key }) => key,
    columns: [
      { label: p.key, cell: ({ title }) => title },
      { label: p.value, cell: ({ value }) => value },
      { label: p.origin, cell: ({ origin }) => origin },
    ],
  });
  const ask = async (): Promise<void> => {
    const answer = await effectivePolicy(person.value.trim(), desktop.value.trim());
    if (!answer.ok) {
      const reason = admin.messageOf(answer.failure);
      if (reason !== null) result.replaceChildren(h("p", { class: "alert" }, sentences(reason)));
      return;
    }
    table.show(answer.value);
    result.replaceChildren(answer.value.length === 0 ? emptyState(t.messages.empty.policies) : table.element);
  };
  const form = h(
    "form",
    {
      class: "row-form",
      on: {
        submit: (event) => {
          event.preventDefault();
          void ask();
        },
      },
    },
    person,
    desktop,
    h("button", { class: "secondary", attrs: { type: "submit" } }, p.ask),
  );
  return {
    element: h("div", { class: "list" }, h("h1", {}, t.nav.policies), section(p.effective, form, result)),
    title: t.nav.policies,
    search: person,
    shown: () => {},
    close: () => {},
  };
}
