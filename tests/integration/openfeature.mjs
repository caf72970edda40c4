// The real OpenFeature SDK of JavaScript with its OFREP provider: one line of JSON a question, one line of JSON an answer.
import { createInterface } from "node:readline";
import { OpenFeature } from "@openfeature/server-sdk";
import { OFREPProvider } from "@openfeature/ofrep-provider";

const [url, token] = process.argv.slice(2);
const headersFactory = () => [["Authorization", `Bearer ${token}`]];
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headersFactory }));
const flags = OpenFeature.getClient();
const ask = {
  boolean: (q) => flags.getBooleanDetails(q.key, q.fallback, q.context),
  string: (q) => flags.getStringDetails(q.key, q.fallback, q.context),
  number: (q) => flags.getNumberDetails(q.key, q.fallback, q.context),
  object: (q) => flags.getObjectDetails(q.key, q.fallback, q.context),
};
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  console.log(JSON.stringify(await ask[question.type](question)));
}
