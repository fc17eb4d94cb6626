// A real OpenID provider behind the addresses that Microsoft's sign-in has, and a little of Graph that asks it whether
// a token is good. For one test; nothing here is kept.
//
// Prints one line of JSON with its address when it listens. Ends when its standard input ends.

import { createServer } from "node:http";
import { createPublicKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const [tenant, clientId, secret, redirect, certificate] = process.argv.slice(2);
const permission = "DeviceManagementManagedDevices.Read.All";

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${server.address().port}`;
const graph = `${address}/graph`;
const scope = `${graph}/${permission}`;

// With a certificate the application proves itself by statements that it signs, else by its secret.
const application = {
  client_id: clientId,
  redirect_uris: [redirect],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
};
if (certificate) {
  const key = createPublicKey(new X509Certificate(readFileSync(certificate)).publicKey.export({ type: "spki", format: "pem" }));
  Object.assign(application, {
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "PS256",
    jwks: { keys: [{ ...key.export({ format: "jwk" }), alg: "PS256", use: "sig" }] },
  });
} else {
  Object.assign(application, { token_endpoint_auth_method: "client_secret_post", client_secret: secret });
}

const seen = { authorized: 0, redeemed: 0, refreshed: 0, refused: [], devices: 0 };

const provider = new Provider(address, {
  clients: [application],
  routes: {
    authorization: `/${tenant}/oauth2/v2.0/authorize`,
    token: `/${tenant}/oauth2/v2.0/token`,
  },
  scopes: ["openid", "offline_access"],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  cookies: { keys: ["only for a test"] },
  enabledJWA: { clientAuthSigningAlgValues: ["PS256"] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (_, token) => ({ scp: permission, upn: token.accountId }),
  ttl: { AccessToken: 3600, AuthorizationCode: 60, RefreshToken: 86400, Interaction: 600, Session: 600, Grant: 86400 },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => graph,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope, audience: graph, accessTokenFormat: "opaque", accessTokenTTL: 3600 }),
    },
  },
});
provider.on("authorization.success", () => (seen.authorized += 1));
provider.on("grant.success", (context) => {
  seen[context.oidc.params.grant_type === "refresh_token" ? "refreshed" : "redeemed"] += 1;
});
provider.on("grant.error", (_, error) => seen.refused.push(`${error.error}: ${error.error_detail ?? error.message}`));
provider.on("authorization.error", (_, error) => seen.refused.push(`${error.error}: ${error.error_description}`));

// The person signs in and consents to all that is asked for.
async function interaction(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") {
    return provider.interactionFinished(request, response, { login: { accountId: "adele@example.com" } });
  }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope("offline_access");
  grant.addResourceScope(graph, scope);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

function json(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

// Graph's list of devices: empty, and only for a token of this provider with the permission.
async function devices(request, response) {
  const token = await provider.AccessToken.find((request.headers.authorization ?? "").replace(/^Bearer /, ""));
  if (!token?.isValid || !token.scopes.has(scope)) {
    return json(response, 401, { error: { code: "InvalidAuthenticationToken", message: "Access token is empty." } });
  }
  seen.devices += 1;
  return json(response, 200, { value: [] });
}

const grants = new Set();
provider.on("grant.success", (context) => grants.add(context.oidc.entities.Grant.jti));

async function handle(request, response) {
  const path = new URL(request.url, address).pathname;
  if (path.startsWith("/interaction/")) return interaction(request, response);
  if (path === "/graph/v1.0/deviceManagement/managedDevices") return devices(request, response);
  if (path.startsWith("/graph/")) return json(response, 404, { error: { code: "ResourceNotFound", message: path } });
  if (path === "/control/seen") return json(response, 200, seen);
  if (path === "/control/revoke") {
    // An administrator ends all sign-ins.
    for (const id of grants) await (await provider.Grant.find(id))?.destroy();
    return json(response, 200, {});
  }
  return provider.callback()(request, response);
}

server.on("request", (request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
});

console.log(JSON.stringify({ address }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
