import type { Config } from 'jest';

type Project = Exclude<NonNullable<Config['projects']>[number], string>;

// One project a kind of test; what each needs is said in CONTRIBUTING.md. Tests run on the sources, by swc.
const project = (name: string, extra: Project = {}): Project => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2024' }, module: { type: 'es6' } }] },
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  ...extra,
});

export default {
  projects: [
    project('unit'),
    project('agent', { globalSetup: '<rootDir>/test/agent/setup.ts' }),
    project('integration', {
      globalSetup: '<rootDir>/test/integration/setup.ts',
      globalTeardown: '<rootDir>/test/integration/teardown.ts',
    }),
    project('faults', { globalSetup: '<rootDir>/test/faults/setup.ts' }),
    project('e2e', {
      globalSetup: '<rootDir>/test/e2e/setup.ts',
      globalTeardown: '<rootDir>/test/e2e/teardown.ts',
    }),
  ],
  reporters: ['default', '<rootDir>/test/reporter.ts'],
  testTimeout: 30_000,
} satisfies Config;
