import { isName, maxMetricsPerObject } from '@millrace/contracts'
import { z } from 'zod'
import { formatProblem } from './time-format.ts'
import { isZone } from './zone.ts'

const column = z.string()
const character = z.string().length(1)
const template = z.string().min(1)
const metricName = z.string().refine(isName, '1 to 64 of A-Z a-z 0-9 . _ : -')

/** The map file: how a recording is written, and which of its columns is what. */
export const mapSchema = z
  .strictObject({
    /** `csv`, also with other delimiters; `spaces`: any run of blanks and tabs; `json-lines`: columns are paths such as `data.temp`. */
    format: z.enum(['csv', 'spaces', 'json-lines']),
    encoding: z.enum(['utf-8', 'latin1', 'utf-16le']).default('utf-8'),
    delimiter: character.default(','),
    quote: character.default('"'),
    /** Lines that begin with this are passed over. */
    comment: z.string().min(1).optional(),
    /** Lines before the header or the first row that are passed over. */
    skip: z.int().min(0).default(0),
    /** Whether the first line names the columns. Default: yes in CSV. Where rows have one column more than the header, the first has no name. */
    header: z.boolean().optional(),
    /** Names of the columns in order, where no header names them. */
    columns: z.array(column).min(1).optional(),
    decimal: z.enum(['.', ',']).default('.'),
    /** Texts that stand for no value. */
    missing: z.array(z.string()).default(['', 'NA', 'N/A', 'NaN', 'nan', 'null', '?']),
    /** Columns of the time, joined by a blank where there are several; its format, and its zone where the text has no offset. */
    time: z.strictObject({
      column: z.union([column, z.array(column).min(1)]),
      format: z.string().superRefine((format, context) => {
        const message = formatProblem(format)
        if (message !== undefined) context.addIssue({ code: 'custom', message, input: format })
      }),
      zone: z.string().refine(isZone, 'an IANA zone such as Europe/Brussels').default('UTC'),
    }),
    /** Names: constants, or with columns in braces, as in `mote-{node}`. */
    site: template,
    device: template,
    boot: template.optional(),
    seq: column.optional(),
    /** One metric for each of several columns. */
    metrics: z
      .record(
        metricName,
        z.union([column, z.strictObject({ column, scale: z.number().default(1), offset: z.number().default(0) })]),
      )
      .refine((metrics) => Object.keys(metrics).length <= maxMetricsPerObject, `at most ${maxMetricsPerObject}`)
      .optional(),
    /** One reading a line: the metric's name as a template, and the column of its value. */
    reading: z.strictObject({ metric: template, column }).optional(),
  })
  .superRefine((map, context) => {
    const issue = (path: string, message: string, input: unknown) =>
      context.addIssue({ code: 'custom', path: [path], message, input })
    if ((map.metrics === undefined) === (map.reading === undefined)) {
      issue('metrics', 'either metrics or reading', map.metrics)
    }
    if (map.format !== 'json-lines' && !hasHeader(map) && map.columns === undefined) {
      issue('columns', 'names of the columns, where there is no header', undefined)
    }
    if (map.format === 'csv' && map.quote === map.delimiter) {
      issue('quote', 'another character than the delimiter', map.quote)
    }
  })
export type RecordingMap = z.output<typeof mapSchema>

export function hasHeader({ format, header }: { format: string; header?: boolean | undefined }): boolean {
  return header ?? format === 'csv'
}

/** Every column that the map asks for. */
export function columnsOf(map: RecordingMap): string[] {
  const templates = [map.site, map.device, map.boot ?? '', map.reading?.metric ?? '']
  const inTemplates = templates.flatMap((text) => [...text.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name!))
  const values = Object.values(map.metrics ?? {}).map((value) => (typeof value === 'string' ? value : value.column))
  const others = [...[map.time.column].flat(), ...(map.seq === undefined ? [] : [map.seq])]
  return [...new Set([...others, ...inTemplates, ...values, ...(map.reading ? [map.reading.column] : [])])]
}
