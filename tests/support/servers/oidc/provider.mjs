// A real OpenID provider for the tests: `oidc-provider` with the people that are named to it.
// node provider.mjs PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI LEAVE_URI
import Provider from "oidc-provider";

const [port, clientId, clientSecret, redirectUri, leaveUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [leaveUri],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  pkce: { required: () => true },
  cookies: { keys: ["only for the tests"] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  // Nobody is asked whether the instance may know who they are: an employer's provider asks nobody.
  async loadExistingGrant(ctx) {
    const { client, session } = ctx.oidc;
    const grant = new ctx.oidc.provider.Grant({
      clientId: client.clientId,
      accountId: session.accountId,
    });
    grant.addOIDCScope("openid email");
    await grant.save();
    return grant;
  },
  // Whoever is typed in is who they say they are; a word before the `@` is enough.
  async findAccount(_ctx, sub) {
    const is_verified = !sub.startsWith("unverified");
    return {
      accountId: sub,
      claims: async () => ({
        sub,
        email: `${sub.replace("unverified-", "")}@example.test`,
        email_verified: is_verified,
      }),
    };
  },
});

const form = `<!doctype html><html lang="en"><title>The provider</title><h1>The provider</h1>
<form method="post"><label>Name <input name="login" required></label>
<button name="do" value="login">Sign in</button></form>
<form method="post"><button name="do" value="abort">Cancel</button></form></html>`;

async function fieldsOf(request) {
  let text = "";
  for await (const part of request) text += part;
  return new URLSearchParams(text);
}

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = form;
    return;
  }
  const fields = await fieldsOf(ctx.req);
  const result =
    fields.get("do") === "login"
      ? { login: { accountId: fields.get("login") } }
      : { error: "access_denied", error_description: "Broken off" };
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
});

provider.listen(Number(port), "127.0.0.1", () => console.log(`ready ${issuer}`));
process.stdin.on("end", () => process.exit(0)).resume();
