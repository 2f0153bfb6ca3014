export { openRules, type Rules } from './rules.ts'
