/** Which page of the administration an address means. Pure. */

export const ADMIN_PAGES = [
  "help",
  "overview",
  "sessions",
  "pools",
  "people",
  "groups",
  "access",
  "devices",
  "policies",
  "audit",
  "use",
  "health",
] as const;
export type AdminPageName = (typeof ADMIN_PAGES)[number];

/** `start` is the page that fits the person's role. `item` is the object that the page is about. */
export type AdminRoute =
  | { readonly page: "start" | "nothing" }
  | { readonly page: AdminPageName; readonly item: string | null };

/** Returns the page of a path below the client's own address; null is the path of something else. */
export function adminRouteOf(path: string | null): AdminRoute | null {
  const [first, name, item, ...rest] = (path ?? "").split("/");
  if (first !== "admin") return null;
  if (name === undefined || name === "") return { page: item === undefined ? "start" : "nothing" };
  const page = ADMIN_PAGES.find((known) => known === name);
  if (page === undefined || rest.length > 0) return { page: "nothing" };
  return { page, item: item === undefined || item === "" ? null : decoded(item) };
}

/** Returns the path of a page, below the client's own address. */
export function adminPath(page: AdminPageName, item?: string, query?: Readonly<Record<string, string>>): string {
  const search = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value !== ""));
  const path = item === undefined ? `admin/${page}` : `admin/${page}/${encodeURIComponent(item)}`;
  return search.size > 0 ? `${path}?${search}` : path;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A malformed escape names no object; the server answers accordingly.
  }
}
