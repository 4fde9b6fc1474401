// How the runner reads what a step leaves for it: in the files that it names, and in its output.

/** The lines of a file command: `name=value`, or `name<<DELIMITER` up to that line. */
export function keyValues(text) {
  const lines = text.replace(/\n$/, "").split("\n");
  const found = {};
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    if (line === "") continue;
    const [, name, separator, rest] = /^(.*?)(=|<<)(.*)$/s.exec(line) ?? [];
    if (!name) throw new Error(`Invalid format '${line}'`);
    found[name] = rest;
    if (separator === "=") continue;
    const end = rest === "" ? -1 : lines.indexOf(rest, at + 1);
    if (end < 0) throw new Error(`Matching delimiter not found '${rest}'`);
    found[name] = lines.slice(at + 1, end).join("\n");
    at = end;
  }
  return found;
}

/** The workflow commands that the runner would take from a step's output, on either stream. */
export function commands(step) {
  return `${step.stdout}\n${step.stderr}`.split("\n").flatMap((line) => {
    const match = /^\s*::([\w-]+)(.*?)::(.*)$/.exec(line) ?? /##\[([\w-]+)([^\]]*)\](.*)$/.exec(line);
    return match ? [{ line, name: match[1], properties: match[2].trim(), message: match[3] }] : [];
  });
}
