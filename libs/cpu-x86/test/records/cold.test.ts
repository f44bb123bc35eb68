import { replaysRecords } from './tier-suite.ts'

replaysRecords('cold', 1)
