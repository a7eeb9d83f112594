/** The live page's style: one column on a phone, two on a desktop, light or dark as the system is. */

/** Eight line colours that colour-blind readers can tell apart (Okabe and Ito), for a light and a dark background. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--edge:#e1e4e9;--text:#15191f;--muted:#5c6673;--grid:#eceef1;
--good:#0a7d4b;--warn:#9a5b00;--bad:#c22f2f;--accent:#0b62c4;
--line-0:#0b62c4;--line-1:#d97400;--line-2:#0a8f63;--line-3:#c2388b;--line-4:#7a55d1;--line-5:#008ea8;--line-6:#9a7b00;--line-7:#c22f2f}
@media(prefers-color-scheme:dark){:root{--ground:#0d1117;--card:#151b23;--edge:#2a323d;--text:#e8ecf1;--muted:#93a0b0;--grid:#212934;
--good:#3ecf8e;--warn:#f0b04a;--bad:#ff7b72;--accent:#6cb2ff;
--line-0:#6cb2ff;--line-1:#ffab4d;--line-2:#3ecf8e;--line-3:#ff8fc7;--line-4:#b79cff;--line-5:#4dd0e6;--line-6:#e3cf5a;--line-7:#ff7b72}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;-webkit-text-size-adjust:100%}
.top,main,#unlock{max-width:1280px;margin:0 auto;padding:0 16px}
h1,h2,p,dl,dd,ul{margin:0;padding:0}
h1{font-size:18px;letter-spacing:-.01em}
h2{font-size:13px;font-weight:600}
small{color:var(--muted);font-size:12px;font-weight:400}
.top{display:flex;justify-content:space-between;align-items:center;padding-top:14px;padding-bottom:12px}
.top p{color:var(--muted);font-size:12px;display:flex;gap:10px;align-items:center}
.card{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:12px 14px;min-width:0}
.pill{display:inline-block;border:1px solid var(--edge);border-radius:99px;padding:1px 10px;font-size:12px;color:var(--muted);background:var(--card);white-space:nowrap}
[data-mood=good]{color:var(--good)}[data-mood=warn]{color:var(--warn)}[data-mood=bad]{color:var(--bad)}
.pill[data-mood]:not([data-mood=""])::before,#breakers li::before{content:"";display:inline-block;width:7px;height:7px;border-radius:50%;background:currentColor;margin-right:6px}
.tiles{display:grid;grid-template-columns:repeat(8,1fr);gap:1px;background:var(--edge);border:1px solid var(--edge);border-radius:10px;overflow:hidden}
.tile{background:var(--card);padding:10px 14px;min-width:0}
.tile dt{color:var(--muted);font-size:12px;white-space:nowrap}
.tile b{font-size:22px;font-weight:600;letter-spacing:-.02em;font-variant-numeric:tabular-nums;white-space:nowrap}
.health{display:flex;flex-wrap:wrap;align-items:center;gap:6px 12px;padding:12px 2px}
.health h2{color:var(--muted);font-size:12px;font-weight:400;margin-left:6px}
#breakers{display:flex;flex-wrap:wrap;gap:4px 12px;list-style:none;font-size:12px}
#breakers li::before{margin-right:5px}
#breakers li[data-mood=good]{color:var(--text)}#breakers li[data-mood=good]::before{background:var(--good)}
#breakers li[data-mood=bad]{font-weight:600}
.panels{display:grid;grid-template-columns:repeat(6,1fr);gap:12px}
.panels>*{grid-column:span 2}.panels>:nth-child(-n+2){grid-column:span 3}
.card>header{display:flex;align-items:center;gap:8px 12px;flex-wrap:wrap}
.card>header h2{margin-right:auto}
.plot{height:190px;margin:8px -12px 4px 0;position:relative}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12px;color:var(--muted);min-height:18px}
.legend i{display:inline-block;width:10px;height:3px;border-radius:2px;vertical-align:middle;margin-right:3px}
.legend b{color:var(--text);font-weight:600;font-variant-numeric:tabular-nums}
.empty .legend::before{content:"none so far"}
${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `.line-${i}{background:var(--line-${i})}`).join("")}
button,input{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--edge);border-radius:7px;padding:4px 10px}
button{cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
[aria-pressed=true]{background:var(--accent);border-color:var(--accent);color:var(--card)}
.tabs{display:flex;flex-wrap:wrap;gap:4px}.tabs button{font-size:12px;padding:1px 8px}
#rows{margin:12px 0 24px;overflow-x:auto}
#rows input{flex:0 1 260px;min-width:0}
.note{color:var(--muted);font-size:12px;padding:8px 0 6px}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px}
th{color:var(--muted);font-size:12px;font-weight:400;text-align:left}
th,td{padding:5px 10px 5px 0;border-top:1px solid var(--grid);white-space:nowrap}
td{max-width:240px;overflow:hidden;text-overflow:ellipsis}
.in,.out,.ttft,.took{text-align:right}
.time,.key{color:var(--muted)}
.outcome{padding-left:14px}
td.outcome::before{content:"";display:inline-block;width:7px;height:7px;border-radius:50%;background:var(--good);margin-right:6px}
.bad td.outcome{color:var(--bad)}.bad td.outcome::before{background:var(--bad)}
.left td.outcome{color:var(--warn)}.left td.outcome::before{background:var(--warn)}
[hidden]{display:none!important}
#unlock{display:none;max-width:440px;margin:10vh auto 0;padding:24px}
#unlock p{margin-top:12px}#unlock h2{font-size:16px}
#unlock p:has(input){display:flex;gap:8px}#token{flex:1;min-width:0}
.wrong{color:var(--bad)}
.locked main{display:none}.locked #unlock{display:block}
@media(max-width:1080px){.tiles{grid-template-columns:repeat(4,1fr)}.panels>*{grid-column:span 3}.panels>:nth-child(3){grid-column:span 6}}
@media(max-width:640px){
.top,main{padding-left:10px;padding-right:10px}
.tiles{grid-template-columns:repeat(2,1fr)}
.tile{padding:8px 12px}.tile b{font-size:20px}
.panels>*,.panels>:nth-child(-n+2){grid-column:span 6}
.plot{height:160px}
#rows input{flex:1 1 120px}}
@media(max-width:960px){.key,.ttft{display:none}td.model{max-width:120px}}
@media(max-width:800px){
thead{display:none}
tr{display:flex;flex-wrap:wrap;gap:0 10px;padding:7px 0;border-top:1px solid var(--grid)}
tr td{border:0;padding:0}
td.time,td.provider,td.in{flex:0 0 76px;text-align:left;color:var(--muted)}
td.time{order:1}
td.tenant{order:2;flex:1 1 calc(100% - 160px);max-width:none;font-weight:600;white-space:normal;word-break:break-all}td.tenant::before{content:"tenant ";font-weight:400;color:var(--muted)}
td.took{order:3;flex:0 0 64px}
td.provider{order:4}
td.model{order:5;flex:1 1 calc(100% - 86px);max-width:none}
td.in{order:6}td.in::after{content:" in"}
td.out{order:7;flex:1;text-align:left;color:var(--muted)}td.out::after{content:" out"}
td.outcome{order:8}}
`;
