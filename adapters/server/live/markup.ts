/** The live page's markup. It holds no data: everything that it shows comes over the feed. */

const tile = (id: string, name: string, unit = ""): string =>
  `<div class="tile"><dt>${name}</dt><dd><b id="${id}">–</b>${unit && ` <small>${unit}</small>`}</dd></div>`;

const panel = (id: string, title: string, note: string, tools = ""): string => `
<section class="card" id="${id}" aria-labelledby="${id}-title">
<header><h2 id="${id}-title">${title}</h2>${tools || `<small>${note}</small>`}</header>
<div class="plot" role="img" aria-label="${title}, ${note}"></div>
<div class="legend"></div>
</section>`;

const KINDS = ["output", "input", "cache_read", "cache_write", "reasoning"];

const kindButtons = `<div id="kinds" class="tabs" role="group" aria-label="Kind of token">${KINDS.map(
  (kind) =>
    `<button type="button" value="${kind}" aria-pressed="${kind === "output"}">${kind.replace("_", " ")}</button>`,
).join("")}</div>`;

const column = (name: string, title: string): string => `<th scope="col" class="${name}">${title}</th>`;

export const MARKUP = `
<header class="top">
<h1>beyond-ai <small id="version"></small></h1>
<p><span id="uptime"></span> <span id="status" class="pill" role="status">connecting</span></p>
</header>
<form id="unlock" class="card" method="post">
<h2>This gateway's live page is locked</h2>
<p>Enter its <code>admin_token</code>. It is kept in this tab's memory and nowhere else.</p>
<p><input id="token" type="password" autocomplete="current-password" aria-label="Admin token" required> <button>Open</button></p>
<p id="wrong-token" class="wrong" role="alert" hidden>That is not its token.</p>
</form>
<main>
<dl class="tiles">
${tile("now-requests", "Requests", "/s")}
${tile("now-rejected", "Rejected", "/s")}
${tile("now-tokens", "Tokens in + out", "/s")}
${tile("now-streams", "Open streams")}
${tile("now-flight", "In flight")}
${tile("now-ttft", "TTFT p95")}
${tile("now-latency", "Latency p95")}
${tile("now-denied", "Denied")}
</dl>
<section class="health" aria-label="Breakers and deny source">
<span id="deny-source" class="pill"></span>
<h2>Breakers</h2>
<ul id="breakers"></ul>
</section>
<div class="panels">
${panel("requests", "Requests", "a second")}
${panel("tokens", "Tokens by provider", "a second", kindButtons)}
${panel("rejections", "Rejections by reason", "a second")}
${panel("ttft", "Time to first token", "of the last 30 s")}
${panel("latency", "Latency", "of the last 30 s")}
</div>
<section class="card" id="rows" aria-labelledby="rows-title">
<header><h2 id="rows-title">Last rows</h2>
<input type="search" placeholder="Filter: tenant, model, outcome …" aria-label="Filter rows">
<button type="button" aria-pressed="false">Pause</button></header>
<p class="note" role="status"></p>
<table>
<thead><tr>${column("time", "Time")}${column("tenant", "Tenant")}${column("key", "Key")}${column("provider", "Provider")}${column("model", "Model")}${column("in", "In")}${column("out", "Out")}${column("outcome", "Outcome")}${column("ttft", "TTFT")}${column("took", "Took")}</tr></thead>
<tbody></tbody>
</table>
</section>
</main>
<noscript><p class="card">This page needs JavaScript.</p></noscript>
`;
