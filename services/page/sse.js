// Server-sent events out of the body of a response. EventSource cannot POST, so they are read here.

export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    waiting += value ?? "";
    // A lone \r at the end may be the first half of \r\n: it waits for what follows.
    const blocks = waiting.replace(/\r\n|\r(?!$)/g, "\n").split("\n\n");
    waiting = done ? "" : blocks.pop();
    for (const block of blocks) {
      const event = parsed(block);
      if (event) yield event;
    }
    if (done) return;
  }
}

function parsed(block) {
  let name = "message";
  const lines = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) lines.push(line.slice(5).replace(/^ /, ""));
  }
  return lines.length ? { name, body: JSON.parse(lines.join("\n")) } : null;
}
