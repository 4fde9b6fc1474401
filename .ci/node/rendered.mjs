// A page of markdown as GitHub renders it, to see what became of texts that nobody vouches for.

import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";

/** What our own pages consist of. */
const BLOCKS = "blockquote details h3 h4 hr li ol p pre summary table tbody td th thead tr ul";
const ELEMENTS = `${BLOCKS} a br code em strong sub`.split(" ");
const LANGUAGES = ["json", "mermaid", "sh", "text", "yaml"];

function rendered(markdown) {
  const extensions = { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true };
  return micromark(markdown, extensions);
}

/** What of a page came from texts that hold this word and is not inside of code. */
export function untrustedParts(markdown, word) {
  const [marker] = /^<!-- [^>]* -->/.exec(markdown) ?? [""];
  const html = rendered(markdown.slice(marker.length));
  const outside = html.replaceAll(/<pre>[^]*?<\/pre>|<code[^>]*>[^]*?<\/code>/g, "");
  const elements = [...outside.matchAll(/<[/]?([a-zA-Z!][^\s>/]*)/g)].map(([, name]) => name.toLowerCase());
  const links = [...outside.matchAll(/href="([^"]*)"/g)].map(([, link]) => link);
  const languages = [...html.matchAll(/<code class="language-([^"]*)"/g)].map(([, language]) => language);
  return [
    ...languages.filter((name) => !LANGUAGES.includes(name)).map((name) => `a fence of ${name}`),
    ...elements.filter((name) => !ELEMENTS.includes(name)).map((name) => `the element ${name}`),
    ...links.filter((link) => !link.startsWith("https://github.com/")).map((link) => `a link to ${link}`),
    ...outside.split("\n").filter((line) => line.includes(word)),
  ];
}
