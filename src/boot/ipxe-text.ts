import { BootScriptUnrenderable, plainMessage, plainWords } from './boot-script.ts'

/*
 * How text gets into an iPXE script. iPXE has no quoting: a line is cut at white space, then `||`, `&&`, `;` standing
 * alone separate commands, a word that begins with `#` ends the line, `${…}` is expanded (again and again, also in what
 * was expanded), and a `\` at the end of a line joins the next one. (Read in iPXE's core/exec.c and image/script.c.)
 */

const separators = new Set(['||', '&&', ';'])

/** Text for people, after `echo`: what could mean something to iPXE or the terminal becomes `?`. Never empty. */
export function ipxeMessage(text: string): string {
  return plainMessage(text, /[^\w .,:/()[\]=+@'"<>*!%-]/g)
}

/** A kernel argument, exact. One word, or words with single spaces inside a quoted value. */
export function ipxeArgument(argument: string): string {
  for (const word of plainWords(argument)) {
    if (separators.has(word)) throw new BootScriptUnrenderable(argument, `iPXE takes ${word} for the end of a command`)
    if (word.startsWith('#')) throw new BootScriptUnrenderable(argument, 'iPXE takes # for the start of a comment')
  }
  if (argument.includes('${'))
    throw new BootScriptUnrenderable(argument, `iPXE expands \${…} and cannot be told not to`)
  return argument
}

/** An absolute http or https URL, exact. */
export function ipxeUrl(url: string): string {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new BootScriptUnrenderable(url, 'it is not an absolute http or https URL')
  }
  if (url.includes(' ')) throw new BootScriptUnrenderable(url, 'a URL has no spaces')
  return ipxeArgument(url)
}
