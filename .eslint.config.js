import neostandard from 'neostandard'

const FORBIDDEN_SYNTAX = [
  { selector: 'ImportExpression[source.type="Literal"][source.value=/^\\./]', message: 'A dynamic import hides a dependency from the architecture test.' },
  { selector: 'ExportAllDeclaration', message: 'No barrel files: import from where a thing is defined.' },
  { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
]

const MATCH = 'CallExpression[callee.object.name="t"][callee.property.name="match"]'
/** Patterns of a test that longer lists match too. */
const OPEN_PATTERNS = [
  `${MATCH}[arguments.0.type!="ArrayExpression"][arguments.1.type="ArrayExpression"]`,
  `${MATCH} > ObjectExpression:nth-child(2) Property > ArrayExpression.value`,
  `${MATCH} > ArrayExpression:nth-child(2) ArrayExpression`,
  `${MATCH} > CallExpression:nth-child(2) Property > ArrayExpression.value`,
].map(selector => ({ selector, message: 'An array is a pattern for a beginning, and [] for any array: say only(…) of test/patterns.ts.' }))

export default [
  ...neostandard({ ts: true, ignores: ['dist/**', '.tap/**'] }),
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@stylistic/comma-dangle': ['error', 'only-multiline'],
      'no-void': 'off', // marks a promise nobody waits for
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...FORBIDDEN_SYNTAX],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/load.ts'],
    rules: {
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Only config/load.ts reads the environment.' }],
    },
  },
  { files: ['test/**/*.ts', 'bench/**/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  { files: ['test/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...OPEN_PATTERNS] } },
]
