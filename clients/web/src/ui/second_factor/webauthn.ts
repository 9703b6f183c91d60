/** Makes and uses passkeys with the browser's WebAuthn functions. The server's options and answers are JSON. */

import { isRecord } from "../../protocol/fields.ts";

/** `cancelled` also means that no passkey fits: browsers do not tell the two apart. */
export type PasskeyFault = "cancelled" | "exists" | "failed";

export type PasskeyAnswer =
  | { readonly ok: true; readonly credential: object }
  | { readonly ok: false; readonly fault: PasskeyFault };

/** Returns whether this browser has passkeys on this page. */
export function browserHasPasskeys(): boolean {
  return "credentials" in navigator && typeof PublicKeyCredential === "function";
}

/** Makes a passkey with the options of the server. */
export async function createPasskey(options: Record<string, unknown>): Promise<PasskeyAnswer> {
  const user = isRecord(options.user) ? options.user : {};
  return ask(() =>
    navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...user, id: bytes(user.id) },
        excludeCredentials: descriptors(options.excludeCredentials),
      } as unknown as PublicKeyCredentialCreationOptions,
    }),
  );
}

/** Uses one of the person's passkeys with the options of the server. */
export async function usePasskey(options: Record<string, unknown>): Promise<PasskeyAnswer> {
  return ask(() =>
    navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        allowCredentials: descriptors(options.allowCredentials),
      } as unknown as PublicKeyCredentialRequestOptions,
    }),
  );
}

async function ask(request: () => Promise<Credential | null>): Promise<PasskeyAnswer> {
  try {
    const credential = await request();
    if (!(credential instanceof PublicKeyCredential)) return { ok: false, fault: "cancelled" };
    return { ok: true, credential: toJson(credential) };
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    if (name === "NotAllowedError" || name === "AbortError") return { ok: false, fault: "cancelled" };
    return { ok: false, fault: name === "InvalidStateError" ? "exists" : "failed" };
  }
}

/** Returns a credential as the server reads it. `toJSON` is younger than some browsers in use. */
function toJson(credential: PublicKeyCredential): object {
  const { response } = credential;
  const common = { clientDataJSON: text(response.clientDataJSON) };
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: {},
    response: response instanceof AuthenticatorAttestationResponse ? attestation(response) : assertion(response),
  };

  function attestation(made: AuthenticatorAttestationResponse): object {
    return { ...common, attestationObject: text(made.attestationObject), transports: made.getTransports?.() ?? [] };
  }

  function assertion(used: AuthenticatorResponse): object {
    if (!(used instanceof AuthenticatorAssertionResponse)) return common;
    return {
      ...common,
      authenticatorData: text(used.authenticatorData),
      signature: text(used.signature),
      userHandle: used.userHandle === null ? null : text(used.userHandle),
    };
  }
}

function descriptors(value: unknown): object[] {
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  return items.filter(isRecord).map((item) => ({ ...item, id: bytes(item.id) }));
}

/** Reads base64url. */
export function bytes(value: unknown): Uint8Array<ArrayBuffer> {
  const plain = (typeof value === "string" ? value : "").replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(plain), (letter) => letter.charCodeAt(0));
}

/** Writes base64url, without padding. */
export function text(buffer: ArrayBuffer): string {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
