import { happenedIn } from './happened.ts'
import { checkModel, judgeImages } from './judge-images.ts'
import { leftFolder } from './lives.ts'
import { type SubjectName, subjects } from './subject.ts'

/** One share of the images, in a process of its own: its tally goes to the parent. */
const [service, folder, images, seed, scratch] = process.argv.slice(2) as [SubjectName, string, string, string, string]
// It has no work without its parent.
process.once('disconnect', () => process.exit())
const subject = await subjects[service].open(folder)
checkModel(subject, (life) => leftFolder(folder, life))
let told = performance.now()
const tally = await judgeImages(subject, {
  ...{ images: Number(images), seed: Number(seed), scratch },
  progress(now) {
    if (performance.now() - told < 1_000) return
    told = performance.now()
    process.send?.({ images: now.images, violations: now.violations.length })
  },
})
process.send?.({ tally, happened: happenedIn(subject) }, () => process.disconnect())
