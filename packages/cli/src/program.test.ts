import { expect, test } from 'vitest'
import { createProgram, knownHelp } from './program.ts'

const program = () => createProgram(async () => undefined)

test('help with a command that does not exist is an error, not the help of everything', () => {
  expect(knownHelp(program(), ['dril', '--help'])).toEqual(['dril'])
})

test('help with what exists stays help', () => {
  for (const args of [['--help'], ['drill', '--help'], ['help', 'drill'], ['agent', '-h']])
    expect(knownHelp(program(), args)).toEqual(args)
})
