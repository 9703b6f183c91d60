/** Which page an address means. Pure. */

export type Route =
  | { readonly page: "list" }
  | { readonly page: "my-sign-in" }
  | { readonly page: "enrol" }
  | { readonly page: "admin" }
  | { readonly page: "provider"; readonly provider: string }
  | { readonly page: "desktop"; readonly desktop: string }
  | { readonly page: "check"; readonly desktop: string }
  | { readonly page: "nothing" };

/** Returns the page of a path below the client's own address; null is the path of something else. */
export function routeOf(path: string | null): Route {
  if (path === "" || path === "index.html") return { page: "list" };
  if (path === "my-sign-in" || path === "enrol") return { page: path };
  // Its own module knows its pages: it loads only for those who need it.
  if (path === "admin" || path?.startsWith("admin/")) return { page: "admin" };
  const [, page, name] = /^(desktop|check|oidc)\/([^/]+)\/?$/.exec(path ?? "") ?? [];
  if (name === undefined) return { page: "nothing" };
  if (page === "oidc") return { page: "provider", provider: decodeName(name) };
  return { page: page === "check" ? "check" : "desktop", desktop: decodeName(name) };
}

function decodeName(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A malformed escape names no desktop; the gateway answers accordingly.
  }
}
