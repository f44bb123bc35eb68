import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const here = fileURLToPath(new URL('.', import.meta.url))

/** Every workspace folder with a `test/` folder is one project, named after its folder; so is `tools/`. */
const packages = ['libs', 'apps'].flatMap((group) =>
  readdirSync(here + group).map((name) => ({ root: `${group}/${name}`, name })),
)
const projects = [...packages, { root: 'tools', name: 'tools' }].filter(({ root }) => existsSync(`${here}${root}/test`))

const config: ViteUserConfig = defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // A backstop against hangs, not a measure of speed: other work may keep the machine busy.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    passWithNoTests: true,
    execArgv: ['--conditions=@paravane/source'],
    // Modules run as plain Node modules: the default runner puts a getter before every imported call.
    experimental: { viteModuleRunner: false },
    coverage: { provider: 'v8', include: ['libs/*/src/**', 'apps/*/src/**'] },
    projects: projects.map(({ root, name }) => ({
      extends: true,
      root: here + root,
      test: { name, include: ['test/**/*.test.ts'] },
    })),
  },
})

export default config
