import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeFormats, readingLines, type TestInput } from '../testing.ts'
import { presetNames } from './presets/index.ts'

const preset = (name: string, rest: object = {}) => [{ type: 'mapped', preset: name, ...rest }]

async function lines(name: string, inputs: readonly TestInput[], rest: object = {}) {
  const decoded = await decodeFormats(preset(name, rest), inputs)
  expect(decoded.deadLetters).toEqual([])
  return readingLines(decoded)
}

it('every preset of the folder is in the list, under the name of its file', () => {
  const files = readdirSync(new URL('presets', import.meta.url)).map((file) => file.replace('.ts', ''))
  expect(presetNames.toSorted()).toEqual(files.filter((file) => file !== 'index' && file !== 'preset').toSorted())
})

// https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html and the pages of its devices ("Exposes").
describe('Zigbee2MQTT', () => {
  it('gives temperature and humidity of a sensor, its volts and its signal', async () => {
    const payload = '{"battery":97,"humidity":44.72,"linkquality":84,"temperature":27.34,"voltage":3005}'
    expect(await lines('zigbee2mqtt', [['zigbee2mqtt/0x00158d0001dc126a', payload]])).toEqual([
      'hall/0x00158d0001dc126a/battery 97 %',
      'hall/0x00158d0001dc126a/humidity 44.72 %',
      'hall/0x00158d0001dc126a/linkquality 84 lqi',
      'hall/0x00158d0001dc126a/temperature 27.34 °C',
      'hall/0x00158d0001dc126a/voltage 3.005 V',
    ])
  })

  it('tells the volts of a socket from the millivolts of a battery, and kilowatt-hours in watt-hours', async () => {
    const payload =
      '{"state":"ON","power":12.5,"voltage":231,"current":0.06,"energy":1.1,"update":{"state":"idle","progress":3}}'
    expect(await lines('zigbee2mqtt', [['zigbee2mqtt/Desk Plug', payload]])).toEqual([
      'hall/Desk-Plug/state 1',
      'hall/Desk-Plug/power 12.5 W',
      'hall/Desk-Plug/voltage 231 V',
      'hall/Desk-Plug/current 0.06 A',
      'hall/Desk-Plug/energy 1100 Wh',
    ])
  })

  it('takes names with slashes, members of members, and states in words', async () => {
    const payload = '{"occupancy":true,"contact":false,"color":{"x":0.3,"y":0.4},"action":"single","position":null}'
    expect(await lines('zigbee2mqtt', [['zigbee2mqtt/kitchen/floor_light', payload]])).toEqual([
      'hall/kitchen.floor_light/occupancy 1',
      'hall/kitchen.floor_light/contact 0',
      'hall/kitchen.floor_light/color.x 0.3',
      'hall/kitchen.floor_light/color.y 0.4',
    ])
  })

  it('ignores the bridge, availability, commands and messages without a number, and counts them', async () => {
    const { readings, deadLetters, decoder } = await decodeFormats(preset('zigbee2mqtt'), [
      ['zigbee2mqtt/bridge/state', '{"state":"online"}'],
      ['zigbee2mqtt/bridge/info', '{"permit_join":1}'],
      ['zigbee2mqtt/attic/availability', '{"state":"online"}'],
      ['zigbee2mqtt/attic/set', '{"state":"ON"}'],
      ['zigbee2mqtt/attic/set/brightness', '3'],
      ['zigbee2mqtt/button', '{"action":"single"}'],
    ])
    expect([readings, deadLetters, decoder.ignored]).toEqual([[], [], 6])
  })

  it('knows when a device was seen, in each of the forms that last_seen has', async () => {
    const seen = ['1763640000123', '"2025-11-20T12:00:00.123Z"', '"2025-11-20T13:00:00.123+01:00"']
    const { readings } = await decodeFormats(
      preset('zigbee2mqtt'),
      seen.map((time) => ['zigbee2mqtt/attic', `{"temperature":20,"last_seen":${time}}`]),
    )
    expect(readings.map(({ ts, flags }) => [ts, flags])).toEqual(seen.map(() => [1763640000123, 0]))
  })
})

// https://tasmota.github.io/docs/AM2301 and https://tasmota.github.io/docs/JSON-Status-Responses/
describe('Tasmota', () => {
  const am2301 = '{"Time":"2019-01-01T00:00:00","AM2301":{"Temperature":24.6,"Humidity":58.2},"TempUnit":"C"}'

  it('names what several sensors of one device measure after the sensor', async () => {
    expect(await lines('tasmota', [['tele/greenhouse/SENSOR', am2301]])).toEqual([
      'hall/greenhouse/AM2301.temperature 24.6 °C',
      'hall/greenhouse/AM2301.humidity 58.2 %',
    ])
  })

  it('makes °C of °F, and hPa of what the device is set to', async () => {
    const payload = '{"BME280":{"Temperature":76.28,"Pressure":29.92},"TempUnit":"F","PressureUnit":"inHg"}'
    expect(await lines('tasmota', [['tele/greenhouse/SENSOR', payload]])).toEqual([
      'hall/greenhouse/BME280.temperature 24.6 °C',
      'hall/greenhouse/BME280.pressure 1013.2075888 hPa',
    ])
  })

  it('reads a meter with one channel or several, and no serial numbers', async () => {
    const one =
      '{"ENERGY":{"TotalStartTime":"2019-08-04T16:25:03","Total":2674.596,"Yesterday":1.2,"Power":17,"Voltage":247}}'
    const two = '{"ENERGY":{"Power":[10,20],"Voltage":230},"DS18B20-1":{"Id":"011620112233","Temperature":21.5}}'
    expect(
      await lines('tasmota', [
        ['tele/plug/SENSOR', one],
        ['tele/duo/SENSOR', two],
      ]),
    ).toEqual([
      'hall/plug/energy 2674596 Wh',
      'hall/plug/power 17 W',
      'hall/plug/voltage 247 V',
      'hall/duo/power.0 10 W',
      'hall/duo/power.1 20 W',
      'hall/duo/voltage 230 V',
      'hall/duo/DS18B20-1.temperature 21.5 °C',
    ])
  })

  it('reads the state of relays and the radio, and ignores the rest', async () => {
    const state =
      '{"Time":"2018-03-02T18:25:02","Uptime":"0T00:00:19","UptimeSec":19,"Vcc":3.151,"POWER1":"OFF","POWER2":"ON","Wifi":{"AP":1,"SSId":"TGV","RSSI":66,"Signal":-67,"APMac":"60:A4:4C:DC:F8:78"}}'
    const others: TestInput[] = [
      ['tele/plug/LWT', 'Online'],
      ['stat/plug/RESULT', '{"POWER":"OFF"}'],
      ['tasmota/discovery/DC4F22/config', '{"ip":"192.168.1.9"}'],
    ]
    expect(await lines('tasmota', [['tele/plug/STATE', state], ...others])).toEqual([
      'hall/plug/uptime 19 s',
      'hall/plug/vcc 3.151 V',
      'hall/plug/POWER1 0',
      'hall/plug/POWER2 1',
      'hall/plug/wifi-quality 66 %',
      'hall/plug/wifi-signal -67 dBm',
    ])
  })

  it("takes its clock's time where the zone is told, and the time of arrival where that clock shows an hour twice or was never set", async () => {
    const at = (time: string): TestInput => ['tele/a/SENSOR', `{"Time":"${time}","AM2301":{"Humidity":50}}`]
    const times = ['2026-07-01T12:00:00', '2026-01-01T12:00:00', '2026-10-25T02:30:00', '1970-01-01T00:00:09']
    const { readings } = await decodeFormats(preset('tasmota', { zone: 'Europe/Berlin' }), times.map(at))
    expect(readings.map(({ ts }) => ts)).toEqual([Date.UTC(2026, 6, 1, 10), Date.UTC(2026, 0, 1, 11), 1000, 1000])
    const [without] = (await decodeFormats(preset('tasmota'), [at(times[0]!)])).readings
    expect(without?.ts).toBe(1000)
  })
})

// https://shelly-api-docs.shelly.cloud/gen1/ ("MQTT Support" of each device)
it('Shelly Gen1: one value on each topic, watt-minutes in watt-hours', async () => {
  const inputs: TestInput[] = [
    ['shellies/shellyplug-s-C18B12/relay/0', 'on'],
    ['shellies/shellyplug-s-C18B12/relay/0/power', '45.30'],
    ['shellies/shellyplug-s-C18B12/relay/0/energy', '1200'],
    ['shellies/shellyplug-s-C18B12/temperature', '31.22'],
    ['shellies/shellyplug-s-C18B12/temperature_f', '88.20'],
    ['shellies/shellyplug-s-C18B12/overtemperature', '0'],
    ['shellies/shellyem-1/emeter/1/total', '3512.4'],
    ['shellies/shellyht-6B2C/sensor/temperature', '21.38'],
    ['shellies/shellyht-6B2C/sensor/battery', '74'],
    ['shellies/shellyht-6B2C/sensor/act_reasons', '["sensor"]'],
    ['shellies/shellydw2-1/sensor/state', 'open'],
    ['shellies/shellydw2-1/online', 'true'],
    ['shellies/announce', '{"id":"shellydw2-1"}'],
  ]
  expect(await lines('shelly-gen1', inputs)).toEqual([
    'hall/shellyplug-s-C18B12/relay.0 1',
    'hall/shellyplug-s-C18B12/power.0 45.3 W',
    'hall/shellyplug-s-C18B12/energy.0 20 Wh',
    'hall/shellyplug-s-C18B12/device-temperature 31.22 °C',
    'hall/shellyplug-s-C18B12/over-temperature 0',
    'hall/shellyem-1/energy.1 3512.4 Wh',
    'hall/shellyht-6B2C/temperature 21.38 °C',
    'hall/shellyht-6B2C/battery 74 %',
    'hall/shellydw2-1/door 1',
  ])
})

// https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Switch and .../Mqtt
it('Shelly Gen2: components by their own names, under a prefix too', async () => {
  const switch0 =
    '{"id":0,"source":"init","output":true,"apower":8.9,"voltage":232.7,"current":0.041,"aenergy":{"total":6.532,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779},"temperature":{"tC":39.2,"tF":102.5}}'
  const inputs: TestInput[] = [
    ['shops/shellyplus1pm-441793/status/switch:0', switch0],
    ['shops/shellyplus1pm-441793/status/mqtt', '{"connected":true}'],
    ['shops/shellyplus1pm-441793/events/rpc', '{"src":"shellyplus1pm-441793","params":{"ts":1661517385.44}}'],
    ['shops/shellyplus1pm-441793/online', 'true'],
    ['shops/shellyplusht-1/status/temperature:0', '{"id":0,"tC":22.4,"tF":72.3}'],
    ['shops/shellyplusht-1/status/humidity:0', '{"id":0,"rh":51.2}'],
    [
      'shops/shellyplusht-1/status/devicepower:0',
      '{"id":0,"battery":{"V":6.02,"percent":100},"external":{"present":false}}',
    ],
  ]
  expect(await lines('shelly-gen2', inputs, { root: 'shops' })).toEqual([
    'hall/shellyplus1pm-441793/switch:0.output 1',
    'hall/shellyplus1pm-441793/switch:0.power 8.9 W',
    'hall/shellyplus1pm-441793/switch:0.voltage 232.7 V',
    'hall/shellyplus1pm-441793/switch:0.current 0.041 A',
    'hall/shellyplus1pm-441793/switch:0.energy 6.532 Wh',
    'hall/shellyplus1pm-441793/switch:0.temperature 39.2 °C',
    'hall/shellyplusht-1/temperature:0.temperature 22.4 °C',
    'hall/shellyplusht-1/humidity:0.humidity 51.2 %',
    'hall/shellyplusht-1/battery-voltage 6.02 V',
    'hall/shellyplusht-1/battery 100 %',
    'hall/shellyplusht-1/devicepower:0.external.present 0',
  ])
})

// https://esphome.io/components/mqtt.html ("Defaults") and https://www.home-assistant.io/integrations/mqtt_statestream/
it('ESPHome and Home Assistant: one value on each topic; what says that there is none is none', async () => {
  const esphome: TestInput[] = [
    ['livingroom/sensor/temperature/state', '23.1'],
    ['livingroom/sensor/temperature/state', 'nan'],
    ['livingroom/binary_sensor/window/state', 'ON'],
    ['livingroom/text_sensor/version/state', '2026.1'],
    ['livingroom/status', 'online'],
  ]
  expect(await lines('esphome', esphome)).toEqual(['hall/livingroom/temperature 23.1 °C', 'hall/livingroom/window 1'])
  const home: TestInput[] = [
    ['homeassistant/sensor/attic_temperature/state', '19.5'],
    ['homeassistant/sensor/attic_temperature/unit_of_measurement', '"°C"'],
    ['homeassistant/sensor/attic_temperature/last_updated', '2026-11-20T10:00:00+00:00'],
    ['homeassistant/binary_sensor/door/state', 'on'],
    ['homeassistant/sensor/broken/state', 'unavailable'],
    ['homeassistant/sensor/attic/config', '{"qos":1}'],
  ]
  expect(await lines('home-assistant-statestream', home)).toEqual([
    'hall/sensor.attic_temperature/state 19.5',
    'hall/binary_sensor.door/state 1',
  ])
})

// https://www.thethingsindustries.com/docs/integrations/data-formats/
it('The Things Stack: the decoded payload, at the time its server received it', async () => {
  const payload =
    '{"received_at":"2026-11-20T08:59:45.869225403Z","uplink_message":{"f_port":2,"decoded_payload":{"temperature":2,"co2_ppm":1240},"rx_metadata":[{"rssi":-107,"snr":4.8}]}}'
  const decoded = await decodeFormats(preset('the-things-stack'), [['v3/app@ttn/devices/node-7/up', payload]])
  expect(readingLines(decoded)).toEqual([
    'hall/node-7/temperature 2 °C',
    'hall/node-7/co2_ppm 1240',
    'hall/node-7/rssi -107 dBm',
    'hall/node-7/snr 4.8 dB',
  ])
  expect(decoded.readings[0]?.ts).toBe(Date.parse('2026-11-20T08:59:45.869Z'))
})
