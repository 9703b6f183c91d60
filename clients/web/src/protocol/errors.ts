/**
 * The agent sent something that PROTOCOL.md does not allow. `path` names the field, for example
 * `welcome.monitors[0].width`.
 */
export class ProtocolError extends Error {
  readonly path: string;

  constructor(path: string, expected: string) {
    super(`${path}: ${expected}`);
    this.name = "ProtocolError";
    this.path = path;
  }
}
