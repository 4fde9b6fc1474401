// Lets the scripts here import what `.ci/run` installs below target/, so that the source tree holds
// no packages: `node --import ./.ci/node/packages.mjs SCRIPT`.

import { registerHooks } from "node:module";

const HERE = new URL(".", import.meta.url).href;
export const INSTALLED = new URL("../../target/ci-tools/node/", import.meta.url);

registerHooks({
  resolve(specifier, context, next) {
    const isPackage = context.parentURL?.startsWith(HERE) && /^[@a-z][\w./@-]*$/.test(specifier);
    const found = next(specifier, isPackage ? { ...context, parentURL: `${INSTALLED.href}x.mjs` } : context);
    // One package imports JSON without saying so, which Node refuses.
    if (!found.url.endsWith(".json")) return found;
    return { ...found, importAttributes: { ...found.importAttributes, type: "json" } };
  },
});
