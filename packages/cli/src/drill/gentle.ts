import type { Evidence } from './evidence.ts'

const fewestPoison = 200

type Gentle = [is: boolean, text: string]

/** What the acts did. */
function gentleActs({ findings, acts }: Evidence): Gentle[] {
  const { kills, plannedKills, poison, outages, clocks, disk } = findings
  const tried = (act: string) => acts.includes(act)
  return [
    [kills.length < plannedKills, `only ${kills.length} of ${plannedKills} kills`],
    [tried('kills') && kills.every(({ recoveryMs }) => recoveryMs === null), 'no recovery was measured'],
    [tried('poison') && (poison?.setAside ?? 0) < fewestPoison, 'no flood of poison was set aside'],
    [tried('poison') && poison?.hugeRefused !== poison?.hugeSent, 'huge messages were not cut off'],
    [tried('uplink') && outages.every(({ waiting }) => waiting === 0), 'nothing waited while the uplink was cut'],
    [tried('clocks') && !clocks?.future, 'no wrong clock was met'],
    [disk?.refusedAfterMs === null, 'the full disk was not noticed'],
    [disk?.recoveredAfterMs === null, 'the agent did not recover from the full disk'],
  ]
}

/** What went through it. */
function gentleInput({ fleet, own }: Evidence): Gentle[] {
  return [
    [fleet?.sent === 0, 'the fleet sent nothing'],
    [fleet?.windows === 0, 'no window was recounted'],
    [own?.acknowledged === 0, 'no reading of the drill itself was acknowledged'],
  ]
}

/** What the devices did, where they do it on purpose. */
function gentleFleet({ fleet, accounts, perturbed }: Evidence): Gentle[] {
  if (!perturbed) return []
  return [
    [accounts?.total.duplicate === 0, 'nothing came twice'],
    [fleet?.amended === 0, 'nothing came late'],
  ]
}

/** A drill that did not do what it promised proves nothing. */
export function tooGentle(evidence: Evidence): string[] {
  const gentle = [...gentleActs(evidence), ...gentleInput(evidence), ...gentleFleet(evidence)]
  return gentle.flatMap(([is, text]) => (is ? [`too gentle: ${text}`] : []))
}
