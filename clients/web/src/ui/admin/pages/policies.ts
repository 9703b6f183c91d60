/** The policies, and the effective policy of a person with the rule from which each value comes. */

import {
  effectivePolicy,
  listPolicies,
  policyKeys,
  removePolicy,
  setPolicy,
} from "../../../gateway/admin/admin_client.ts";
import type { Policy, PolicyKey, PolicyValue } from "../../../gateway/admin/shapes.ts";
import type { Answer, Failure } from "../../../gateway/gateway_client.ts";
import { h } from "../../dom.ts";
import { sentences } from "../../message.ts";
import { language } from "../../preferences.ts";
import { timeText } from "../format.ts";
import { emptyState, ListView } from "../list_view.ts";
import { action, section } from "../parts.ts";
import { listKeys, parsePolicyText, policyText, valueText } from "../policy_text.ts";
import { Table } from "../table.ts";
import { adminTexts, nameIn } from "../texts.ts";
import type { Admin, QuestionField, View } from "../view.ts";

/** Longest name, and longest settings of a policy, characters. */
const NAME_MAX = 128;
const VALUES_MAX = 4000;
/** What a policy can be limited to. */
const CONDITIONS = ["desktop", "group", "network", "tag"] as const;
/** The page shows a text that is no setting as the server would. */
const NO_SETTING: Failure = { kind: "server", status: 422, code: "malformed" };

export function policiesView(admin: Admin): View {
  const t = adminTexts();
  const p = t.policies;
  const change = admin.may("change-policy");
  const done = (): void => void list.refresh();
  const table = new Table<Policy>({
    caption: t.nav.policies,
    keyOf: ({ id }) => id,
    columns: [
      { label: p.name, cell: ({ id }) => id },
      { label: p.where, cell: conditionsText },
      { label: p.values, class: "lines", cell: ({ values }) => policyText(values) },
      { label: p.changed, class: "wide", cell: ({ changed, changedBy }) => `${timeText(changed)}, ${changedBy}` },
      ...(change
        ? [
            {
              label: t.sessions.actions,
              silent: true,
              class: "row-actions",
              cell: (policy: Policy) => policyActions(admin, policy, done),
            },
          ]
        : []),
    ],
  });
  const list = new ListView<Policy>({
    admin,
    title: t.nav.policies,
    table,
    load: listPolicies,
    searchLabel: p.search,
    empty: t.messages.empty.noPolicies,
    nothingFound: t.messages.empty.policiesFound,
    actions: change ? [action(p.add, () => void askForPolicy(admin, null, done))] : [],
  });
  return {
    element: h("div", { class: "list" }, list.element, effectiveSection(admin)),
    title: t.nav.policies,
    search: list.search,
    shown: done,
    close: () => list.close(),
  };
}

function conditionsText({ conditions }: Policy): string {
  const { policies } = adminTexts();
  const parts = Object.entries(conditions).map(([kind, name]) => `${nameIn(policies.conditions, kind)} ${name}`);
  return parts.join(", ") || policies.everywhere;
}

function policyActions(admin: Admin, policy: Policy, done: () => void): HTMLElement {
  const t = adminTexts();
  const remove = (): void =>
    admin.ask({
      question: t.questions.removePolicy(policy.id),
      grave: true,
      run: () => removePolicy(policy.id),
      done,
    });
  const button = (label: string, act: () => void): HTMLElement => {
    const element = action(label, act, "secondary small");
    element.setAttribute("aria-label", `${label} ${policy.id}`);
    return element;
  };
  return h(
    "span",
    { class: "buttons" },
    button(t.policies.edit, () => void askForPolicy(admin, policy, done)),
    button(t.policies.remove, remove),
  );
}

/** Asks for a new policy, or for what an old one says from now on. The settings that there are stand beside it. */
async function askForPolicy(admin: Admin, policy: Policy | null, done: () => void): Promise<void> {
  const t = adminTexts();
  const answer = await policyKeys();
  const keys = answer.ok ? answer.value : [];
  const name: QuestionField = { name: "id", label: t.policies.name, kind: "text", longest: NAME_MAX };
  const conditions = CONDITIONS.map(
    (kind): QuestionField => ({
      name: kind,
      label: t.policies.onlyFor(nameIn(t.policies.conditions, kind)),
      kind: "text",
      longest: NAME_MAX,
      optional: true,
      value: policy?.conditions[kind] ?? "",
    }),
  );
  admin.ask({
    question: policy === null ? t.questions.addPolicy : t.questions.changePolicy(policy.id),
    fields: [
      ...(policy === null ? [name] : []),
      ...conditions,
      {
        name: "values",
        label: t.policies.settings,
        kind: "long",
        longest: VALUES_MAX,
        value: policy === null ? "" : policyText(policy.values),
        help: keys.map((key) => `${key.key} – ${titleOf(key.titles, key.key)}: ${key.form}`),
      },
    ],
    run: (values) => store(policy?.id ?? values.id ?? "", values, keys),
    done,
  });
}

async function store(
  id: string,
  given: Readonly<Record<string, string>>,
  keys: readonly PolicyKey[],
): Promise<Answer<null>> {
  const values = parsePolicyText(given.values ?? "", listKeys(keys));
  if (values === null) return { ok: false, failure: NO_SETTING };
  const conditions = CONDITIONS.map((kind) => [kind, given[kind] ?? ""]).filter(([, name]) => name !== "");
  return await setPolicy(id, Object.fromEntries(conditions), values);
}

function titleOf(titles: Readonly<Record<string, string>>, key: string): string {
  return titles[language()] || titles.en || key;
}

/** The form that asks which settings apply to a person. */
function effectiveSection(admin: Admin): HTMLElement {
  const t = adminTexts();
  const p = t.policies;
  const field = (name: string, label: string): HTMLInputElement =>
    h("input", {
      class: "field",
      attrs: { name, "aria-label": label, placeholder: label, autocomplete: "off", maxlength: String(NAME_MAX) },
    });
  const fields = {
    person: field("person", p.person),
    desktop: field("desktop", p.desktop),
    device: field("device", p.device),
    address: field("address", p.address),
  };
  const result = h("div", { attrs: { role: "status" } });
  const table = new Table<PolicyValue>({
    caption: p.effective,
    keyOf: ({ key }) => key,
    columns: [
      { label: p.key, cell: ({ key, titles }) => titleOf(titles, key) },
      { label: p.value, cell: ({ value }) => valueText(value) },
      { label: p.origin, cell: ({ origin }) => origin },
    ],
  });
  const ask = async (): Promise<void> => {
    const { person, desktop, device, address } = fields;
    const where = { desktop: desktop.value.trim(), device: device.value.trim(), address: address.value.trim() };
    const answer = await effectivePolicy(person.value.trim(), where);
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
    ...Object.values(fields),
    h("button", { class: "secondary", attrs: { type: "submit" } }, p.ask),
  );
  return section(p.effective, form, result);
}
