/**
 * An OpenID Connect provider of a test: `oidc-provider`, with people of a hospital, on 127.0.0.1 with TLS.
 *
 *     node provider.mjs FOLDER PORT
 *
 * The folder has `server.pem`, `server.key` and `clients.json`. The program prints a line when it listens. Each line on
 * its standard input is a command of the test, as JSON, and each is answered with a line.
 */

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createInterface } from "node:readline";
import { CompactSign, importJWK, UnsecuredJWT } from "jose";
import Provider from "oidc-provider";

// Standard output is for answers to the test; what the provider has to say goes into its log.
console.info = console.error;
console.log = console.error;
console.warn = console.error;

const [folder, port] = process.argv.slice(2);
const issuer = `https://localhost:${port}`;
const read = (name) => readFileSync(`${folder}/${name}`, "utf8");

/** What the test has changed: claims of people, who is disabled, and what is altered in tokens before they are sent. */
const state = { people: {}, disabled: [], tamper: null, acr: undefined, amr: undefined };

function newKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "ES256" };
}

function build(keys) {
  const provider = new Provider(issuer, {
    clients: JSON.parse(read("clients.json")),
    jwks: { keys },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
    claims: {
      openid: ["sub", "acr", "amr"],
      profile: ["preferred_username", "name", "groups", "email", "email_verified"],
      auth_time: null,
      sid: null,
    },
    acrValues: ["two-factors"],
    conformIdTokenClaims: false,
    cookies: { keys: ["a key of the test"] },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `<!doctype html><title>Sign out</title>${form}
            <button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
        },
      },
    },
    // The provider refuses addresses of its own host by default, where the server of the test is.
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...state.people[id] }) }),
    loadExistingGrant: async (ctx) => {
      const { client, provider: own, session } = ctx.oidc;
      const grant = new own.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid profile");
      await grant.save();
      return grant;
    },
    renderError: (ctx, out) => {
      ctx.type = "html";
      ctx.body = `<!doctype html><title>Error</title><pre>${out.error}: ${out.error_description}</pre>`;
    },
  });
  provider.on("backchannel.error", (_ctx, error) => console.error(error));
  provider.on("server_error", (_ctx, error) => console.error(error));
  provider.use(async (ctx, next) => {
    if (ctx.path.startsWith("/interaction/")) await interaction(provider, ctx);
    else await next();
    if (ctx.path === "/token" && state.tamper !== null && ctx.body?.id_token)
      ctx.body.id_token = await tampered(ctx.body.id_token, keys[0]);
  });
  return provider;
}

/** The page that asks for the name, and what its form does. The password is the same for everybody. */
async function interaction(provider, ctx) {
  if (ctx.method === "GET") {
    await provider.interactionDetails(ctx.req, ctx.res);
    ctx.type = "html";
    ctx.body = `<!doctype html><title>The hospital</title><form method="post">
      <input name="login" autofocus><input name="password" type="password"><button>Go on</button></form>`;
    return;
  }
  const body = await new Promise((resolve) => {
    let text = "";
    ctx.req.on("data", (chunk) => {
      text += chunk;
    });
    ctx.req.on("end", () => resolve(new URLSearchParams(text)));
  });
  const login = body.get("login");
  const known = login in state.people && body.get("password") === "the password of everybody";
  const result =
    known && !state.disabled.includes(login)
      ? { login: { accountId: login, acr: state.acr, amr: state.amr, remember: false } }
      : { error: "access_denied", error_description: "no such person" };
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
}

/** Returns an ID token with other claims, another algorithm or another key, as no honest provider would send it. */
async function tampered(token, key) {
  const [header, payload] = token.split(".").slice(0, 2);
  const decoded = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
  const claims = { ...decoded(payload), ...state.tamper.claims };
  for (const name of state.tamper.without ?? []) delete claims[name];
  if (state.tamper.unsigned) return new UnsecuredJWT(claims).encode();
  const signing = state.tamper.otherKey ? { ...newKey(), kid: key.kid } : key;
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ ...decoded(header), ...state.tamper.header })
    .sign(await importJWK(signing, "ES256"));
}

let keys = [newKey()];
let provider = build(keys);
const server = createServer({ cert: read("server.pem"), key: read("server.key") }, (request, response) =>
  provider.callback()(request, response),
);

const COMMANDS = {
  set: (values) => Object.assign(state, values),
  rotate: () => {
    keys = [newKey()];
    provider = build(keys);
  },
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { command, values } = JSON.parse(line);
  COMMANDS[command](values);
  process.stdout.write("done\n");
});
process.stdin.on("close", () => process.exit(0));
server.listen(Number(port), "127.0.0.1", () => process.stdout.write("listening\n"));
