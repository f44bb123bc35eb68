import { type Logger, logger } from '../../src/log/logger.ts'

/** A log that nobody reads. */
export const SILENT: Logger = logger({ level: 'error', format: 'text', write: () => {} })
