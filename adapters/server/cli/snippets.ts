/** The snippets that `dev` prints. Each is complete, and starts at the left margin because indentation matters in Python. */

export interface Snippet {
  readonly title: string;
  readonly code: string;
}

/** The base URLs are those of a drop-in: with `/v1` for OpenAI's SDKs, without for Anthropic's, which add it themselves. */
export function createSnippets({
  url,
  key,
}: {
  readonly url: string;
  readonly key: string;
}): readonly Snippet[] {
  return [
    {
      title: "SDKs and tools that read the environment",
      code: `export OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY=${key}
export ANTHROPIC_BASE_URL=${url} ANTHROPIC_API_KEY=${key}`,
    },
    {
      title: "curl, OpenAI",
      code: `curl ${url}/v1/chat/completions \\
  -H 'authorization: Bearer ${key}' \\
  -H 'content-type: application/json' \\
  -d '{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hello"}]}'`,
    },
    {
      title: "curl, Anthropic, streamed",
      code: `curl -N ${url}/v1/messages \\
  -H 'x-api-key: ${key}' \\
  -H 'anthropic-version: 2023-06-01' \\
  -H 'content-type: application/json' \\
  -d '{"model":"claude-haiku-4-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Hello"}]}'`,
    },
    {
      title: "Python, OpenAI (pip install openai)",
      code: `from openai import OpenAI

client = OpenAI(base_url="${url}/v1", api_key="${key}")
reply = client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "Hello"}])
print(reply.choices[0].message.content)`,
    },
    {
      title: "Python, Anthropic (pip install anthropic)",
      code: `from anthropic import Anthropic

client = Anthropic(base_url="${url}", api_key="${key}")
reply = client.messages.create(model="claude-haiku-4-5", max_tokens=64, messages=[{"role": "user", "content": "Hello"}])
print(reply.content[0].text)`,
    },
    {
      title: "TypeScript, OpenAI (npm install openai)",
      code: `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${url}/v1", apiKey: "${key}" });
const stream = await client.chat.completions.create({
  model: "gpt-5-mini",
  messages: [{ role: "user", content: "Hello" }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
console.log();`,
    },
    {
      title: "TypeScript, Anthropic (npm install @anthropic-ai/sdk)",
      code: `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "${url}", apiKey: "${key}" });
const reply = await client.messages.create({
  model: "claude-haiku-4-5",
  max_tokens: 64,
  messages: [{ role: "user", content: "Hello" }],
});
for (const block of reply.content) if (block.type === "text") console.log(block.text);`,
    },
  ];
}
