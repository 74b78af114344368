import { pageStyle } from './docs-page.js';

/** What a browser shows at the gateway's address. The code of a one-time link stands behind the # and never reaches us: the page says where to put it. */
export function homePage(nonce: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Slipway</title>
<style nonce="${nonce}">${pageStyle}</style></head><body><h1>Slipway</h1>
<p>This is the gateway: commits go to production from here, with people's sign-off. <a href="/api/docs">What the API takes and gives</a>.</p>
<h2>You came by a one-time link</h2>
<p>Copy the whole address and give it to the command line, which asks for it:</p>
<pre>slipway login --name "Your Name" --email you@example.com</pre>
<p>or, without it, send what stands behind <code>#code=</code>:</p>
<pre>curl -H 'content-type: application/json' -d '{"code": "CODE", "name": "Your Name"}' ADDRESS/api/v1/invitations/redeem</pre>
<p>A code is good once. The token in the answer is shown once too: keep it safe.</p></body></html>`;
}
