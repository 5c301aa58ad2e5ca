// Where in a passage the answer stands. Compares words only; what they mean it does not know.

const WORD = /[\p{L}\p{N}]+(?:[.,:'’-][\p{L}\p{N}]+)*/gu;
// Said by every answer, so no sign that a passage is its source.
const COMMON = new Set("a an and are as at be by costs for from has have he in is it its of on she that the they to was were with".split(" "));

const wordsOf = (text) =>
  [...text.matchAll(WORD)].map((found) => ({ word: found[0].toLowerCase(), start: found.index, end: found.index + found[0].length }));

// The longest run of the answer's words that the passage has too, as {start, end}; null where nothing telling is shared.
// Words of the question tell nothing: the passage is about the same thing anyway.
export function answerSpan(passage, answer, question = "") {
  const [there, said] = [wordsOf(passage), wordsOf(answer)];
  const asked = new Set(wordsOf(question).map((each) => each.word));
  const tells = ({ word }) => !COMMON.has(word) && !asked.has(word);
  let best = null;
  for (let from = 0; from < there.length; from += 1) {
    for (let start = 0; start < said.length; start += 1) {
      let length = 0;
      while (from + length < there.length && there[from + length].word === said[start + length]?.word) length += 1;
      const telling = said.slice(start, start + length).filter(tells).length;
      if (telling > (best?.telling ?? 0) || (telling && telling === best?.telling && length < best.length)) best = { telling, from, length };
    }
  }
  return best && { start: there[best.from].start, end: there[best.from + best.length - 1].end };
}
