/**
 * The address below which the gateway serves this client: `/`, or the path prefix of a reverse proxy.
 *
 * Nobody configures it. Built scripts are in `assets/` and this module is in `src/`, so both are one folder below
 * the client's own address.
 */

const { url } = import.meta;

/** Path of the client's own address, with a slash at the end. Unit tests run without a server, at the root. */
export const BASE_PATH = url.startsWith("file:") ? "/" : new URL("../", url).pathname;

/** Returns the path of something that the gateway serves, such as `api/v1/me`. */
export function pathTo(relative: string): string {
  return BASE_PATH + relative.replace(/^\/+/, "");
}

/** Returns the part of a path after the client's own address; null for addresses of something else. */
export function pathBelowBase(pathname: string, base = BASE_PATH): string | null {
  return pathname.startsWith(base) ? pathname.slice(base.length) : null;
}
