import { CodedError, type ErrorDetails } from '../errors.ts'

export type PluginErrorCode =
  | 'PLUGIN_NOT_FOUND'
  | 'PLUGIN_INVALID'
  | 'PLUGIN_API_VERSION'
  | 'PLUGIN_CONFIG'
  | 'PLUGIN_DUPLICATE'
  | 'PLUGIN_MISSING'
  | 'PLUGIN_CYCLE'
  | 'PLUGIN_UNDECLARED'
  | 'PLUGIN_FAILED'

export interface PluginErrorDetails extends ErrorDetails {
  readonly code: PluginErrorCode
  /** Ids, or what config calls them, of the plugins concerned. */
  readonly plugins: readonly string[]
}

/** A set of plugins that cannot be used together as configured. */
export class PluginError extends CodedError<PluginErrorDetails> {
  constructor(code: PluginErrorCode, plugins: readonly string[], message: string, options?: ErrorOptions) {
    super({ code, plugins }, message, options)
  }
}

/** The message of anything thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
