/** The administration: the frame of its pages, which stays while a person goes from one to the next. */

import "../styles/admin.css";
import "../styles/admin_cards.css";
import "../styles/admin_pages.css";
import { pathTo } from "../../base.ts";
import { ownScopes } from "../../gateway/admin/admin_client.ts";
import type { Failure, Role } from "../../gateway/gateway_client.ts";
import { apiMessage } from "../api_message.ts";
import { button, h } from "../dom.ts";
import { icon } from "../icons.ts";
import type { Message } from "../message.ts";
import type { Page } from "../page.ts";
import { failureMessage } from "../second_factor/failure_message.ts";
import { brand, settingButtons } from "../settings.ts";
import type { SignInReason } from "../sign_out.ts";
import { texts } from "../texts.ts";
import { AdminEvents } from "./admin_events.ts";
import { ADMIN_PAGES, type AdminPageName, adminPath, adminRouteOf } from "./admin_route.ts";
import { emptyState } from "./list_view.ts";
import { showQuestion } from "./question_dialog.ts";
import { firstPage, mayDo, maySee } from "./rights.ts";
import { adminTexts } from "./texts.ts";
import type { Admin, View } from "./view.ts";
import { createView } from "./views.ts";

export interface AdminPageOptions {
  readonly username: string;
  /** What the page shows as the person's name. */
  readonly user: string;
  readonly roles: readonly Role[];
  /** The path below the client's own address. */
  readonly path: string;
  readonly signedOut: (reason: SignInReason) => void;
  readonly signOut: () => void;
  readonly lock: () => void;
  readonly showDesktopList: () => void;
  readonly redraw: () => void;
  /** Shows the page of this address. */
  readonly open: (address: string) => void;
}

/** A report that something was done stays for this time, ms. */
const SAID_MS = 8_000;
/** Pages that not every server offers, and the part of the API that each of them needs. */
const NEEDED_SCOPES: Readonly<Partial<Record<AdminPageName, string>>> = {
  devices: "devices.read",
  policies: "policies.read",
};

export function adminPage(options: AdminPageOptions): Page {
  const t = adminTexts();
  const events = new AdminEvents();
  const links = new Map<AdminPageName, HTMLAnchorElement>();
  const outlet = h("main", { class: "admin-main", attrs: { id: "admin-main", tabindex: "-1" } });
  const said = h("p", { class: "said", attrs: { role: "status" } });
  const live = h(
    "span",
    { class: "live", attrs: { "data-live": "false", title: t.notLive } },
    h("span", { class: "dot" }),
  );
  const liveText = h("span", {}, t.notLive);
  live.append(liveText);
  let view: View | null = null;
  let saidTimer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const admin: Admin = {
    roles: options.roles,
    username: options.username,
    events,
    may: (act) => mayDo(options.roles, act),
    maySee: (page) => maySee(options.roles, page),
    open: (path) => options.open(pathTo(path)),
    ask: (asked) => showQuestion(admin, asked),
    say: (text) => {
      said.textContent = text;
      clearTimeout(saidTimer);
      saidTimer = setTimeout(() => {
        said.textContent = "";
      }, SAID_MS);
    },
    messageOf: (failure) => messageOf(failure),
  };
  const messageOf = (failure: Failure): Message | null => {
    if (failure.kind === "signed-out") {
      options.signedOut("expired");
      return null;
    }
    if (failure.kind === "locked") return null; // the lock page is about to be shown
    if (failure.kind !== "server") return failureMessage(failure);
    return { ...apiMessage(failure.code, failure.status), ...failure.refusal };
  };

  const pages = ADMIN_PAGES.filter((page) => maySee(options.roles, page));
  for (const page of pages) {
    const hidden: Record<string, string> = NEEDED_SCOPES[page] === undefined ? {} : { hidden: "" };
    links.set(page, h("a", { attrs: { href: pathTo(adminPath(page)), ...hidden } }, t.nav[page]));
  }
  const offer = async (): Promise<void> => {
    if (pages.every((page) => NEEDED_SCOPES[page] === undefined)) return;
    const scopes = await ownScopes();
    for (const page of pages) {
      const scope = NEEDED_SCOPES[page];
      if (scope !== undefined && scopes.includes(scope)) links.get(page)?.removeAttribute("hidden");
    }
  };

  const show = (path: string): void => {
    const route = adminRouteOf(path);
    const page =
      route === null || route.page === "nothing"
        ? null
        : route.page === "start"
          ? firstPage(options.roles)
          : route.page;
    const allowed = page !== null && maySee(options.roles, page);
    view?.close();
    const item = route !== null && "item" in route ? route.item : null;
    view = allowed
      ? createView(admin, page, item)
      : messageView(page === null ? t.messages.nothingHere : t.messages.noRole);
    for (const [name, anchor] of links) {
      if (name === page) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
    outlet.replaceChildren(view.element);
    document.title = `${view.title} · ${t.title} · ${texts().product}`;
    view.shown();
  };

  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as Element;
    if (target.closest("input, textarea, select, dialog") !== null || view?.search === undefined) return;
    event.preventDefault();
    view.search.focus();
    view.search.select();
  };

  const element = h(
    "div",
    { class: "page admin" },
    h(
      "header",
      { class: "header" },
      brand(),
      h("span", { class: "admin-title" }, t.title),
      live,
      h("span", { class: "spacer" }),
      options.user === "" ? null : h("span", { class: "user-name" }, options.user),
      ...settingButtons(options.redraw),
      button(texts().bar.desktops, icon("desktops"), "quiet square", () => options.showDesktopList()),
      button(texts().bar.lock, icon("lock"), "quiet square", () => options.lock()),
      button(texts().bar.signOut, icon("signOut"), "quiet square", () => options.signOut()),
    ),
    h(
      "div",
      { class: "admin-body" },
      h(
        "nav",
        { class: "admin-nav", attrs: { "aria-label": t.nav.label } },
        ...links.values(),
        h("p", { class: "muted admin-keys" }, t.keys),
      ),
      outlet,
    ),
    said,
  );

  events.live.on((isLive) => {
    live.dataset.live = String(isLive);
    liveText.textContent = isLive ? t.live : t.notLive;
    live.title = liveText.textContent;
  });
  events.changed.on((change) => {
    if (!closed) view?.changed?.(change);
  });

  return {
    element,
    title: t.title,
    shown: () => {
      document.addEventListener("keydown", onKey);
      show(options.path);
      if (options.roles.length > 0) events.start();
      void offer();
    },
    follow: (path) => {
      if (adminRouteOf(path) === null) return false;
      show(path);
      outlet.focus({ preventScroll: true });
      window.scrollTo(0, 0);
      return true;
    },
    close: () => {
      closed = true;
      document.removeEventListener("keydown", onKey);
      clearTimeout(saidTimer);
      events.close();
      view?.close();
    },
  };
}

/** A page that says why there is nothing to see. */
function messageView(message: Message): View {
  const element = h("div", { class: "list" }, h("h1", {}, adminTexts().title), emptyState(message));
  return { element, title: message.what, shown: () => {}, close: () => {} };
}
