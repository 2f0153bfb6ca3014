/** Takes memory, 8 MiB at a time and at most as much as its argument says (MiB), until it is ended. */
const pieceMiB = 8
const mostMiB = Number(process.argv[2])
const pieces: Buffer[] = []

setInterval(() => {
  if ((pieces.length + 1) * pieceMiB <= mostMiB) pieces.push(Buffer.alloc(pieceMiB * 2 ** 20, 1))
}, 2)
process.once('disconnect', () => process.exit(0))
