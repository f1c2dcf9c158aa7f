import type { ReadStream, WriteStream } from 'node:tty'
import type { Terminal } from './host.ts'

/** No passphrase and no answer is longer. */
const MAX_ANSWER = 4096
const END_OF_TEXT = '\u0003'
const END_OF_TRANSMISSION = '\u0004'

type Input = Pick<ReadStream, 'isTTY' | 'setRawMode' | 'on' | 'off' | 'resume' | 'pause' | 'setEncoding'>

/** Asks on the error stream, so that an answer never mixes with the output of a command. */
export function createTerminal (input: Input, output: Pick<WriteStream, 'write'>): Terminal {
  return {
    isThere: input.isTTY === true,
    ask: async (question, { isHidden = false } = {}) => {
      input.setRawMode(true) // before anybody is asked: who answers at once is not shown either
      try {
        output.write(question)
        return await readAnswer(input, text => { if (!isHidden) output.write(text) })
      } finally {
        input.setRawMode(false)
        input.pause() // nothing else reads it, and the process is to end
        output.write('\n')
      }
    },
  }
}

/** Reads up to the line's end; undefined on Ctrl-C, Ctrl-D, or when the terminal goes away. */
async function readAnswer (input: Input, echo: (text: string) => void): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  let answer: string[] = []
  const leave = (): void => resolve(undefined)
  const take = (chunk: string): void => {
    for (const character of chunk) {
      if (character === '\r' || character === '\n') return resolve(answer.join(''))
      if (character === END_OF_TEXT || character === END_OF_TRANSMISSION) return resolve(undefined)
      if (character === '\b' || character === '\u007f') {
        if (answer.length > 0) echo('\b \b')
        answer = answer.slice(0, -1)
      } else if (character >= ' ' && answer.length < MAX_ANSWER) {
        answer.push(character)
        echo(character)
      }
    }
  }
  input.setEncoding('utf8')
  input.on('data', take).on('end', leave).on('error', leave).resume()
  try {
    return await promise
  } finally {
    input.off('data', take).off('end', leave).off('error', leave)
  }
}
