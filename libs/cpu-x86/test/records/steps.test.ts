import { replaysRecords } from './tier-suite.ts'

replaysRecords('steps', 8)
