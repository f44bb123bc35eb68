import { replaysRecords } from './tier-suite.ts'

replaysRecords('regions', 8)
