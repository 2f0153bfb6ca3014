// What Millrace needs of Azure: an IoT Hub, and where they are asked for a storage account and device provisioning.
// docs/azure.md tells the way from an empty subscription to data on the dashboard.
targetScope = 'resourceGroup'

@description('Names begin with it. Lower-case letters, digits and hyphens.')
@minLength(3)
@maxLength(16)
param prefix string = 'millrace'

@description('Region of everything. One that is near the agents.')
param location string = resourceGroup().location

@description('Tier of the hub. The basic tiers have no twins, methods and messages to devices, which agents use.')
@allowed([
  'F1'
  'S1'
  'S2'
  'S3'
])
param sku string = 'S1'

@description('Units of the tier: `millrace plan` says how many a fleet needs. F1 has one.')
@minValue(1)
@maxValue(200)
param units int = 1

@description('Partitions of the stream, fixed when the hub is created; as many ingests can share the reading.')
@minValue(2)
@maxValue(32)
param partitions int = 4

@description('How long the hub keeps what it acknowledged, which bounds the absence of the ingest.')
@minValue(1)
@maxValue(7)
param retentionDays int = 7

@description('Consumer group of the ingest: each reader of the stream has one of its own.')
param consumerGroup string = 'millrace'

@description('Where the ingest notes how far it has read: in a folder of its own, or in Blob storage, where several share it.')
@allowed([
  'file'
  'blob'
])
param checkpoints string = 'file'

@description('Messages are also written to Blob storage, as they came.')
param archive bool = false

@description('Which messages are archived: a routing query. All of them unless it says otherwise.')
param archiveCondition string = 'true'

@description('Device Provisioning Service, by which agents find the hub themselves.')
param provisioning bool = false

@description('Object id of who registers devices with `az ... --auth-type login`. Empty: nobody is given a role.')
param operatorPrincipalId string = ''

@description('Object id of who may look at the checkpoints. Empty: nobody is given a role.')
param checkpointPrincipalId string = ''

@description('Kind of both principals.')
@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param principalType string = 'User'

@description('Resource id of a Log Analytics workspace for the logs of the hub. Empty: none are kept.')
param logWorkspaceId string = ''

param tags object = {
  application: 'millrace'
}

var suffix = uniqueString(resourceGroup().id)
var hubName = '${prefix}-${suffix}'
var storageName = take('${replace(prefix, '-', '')}${suffix}', 24)
var provisioningPolicyName = 'millrace-dps'
var checkpointsInBlob = checkpoints == 'blob'
var needsStorage = checkpointsInBlob || archive

// F1 takes no other numbers.
var hubPartitions = sku == 'F1' ? 2 : partitions
var hubRetentionDays = sku == 'F1' ? 1 : retentionDays

module storage 'modules/storage.bicep' = if (needsStorage) {
  name: 'millrace-storage'
  params: {
    name: storageName
    location: location
    tags: tags
    checkpoints: checkpointsInBlob
    archive: archive
    checkpointPrincipalId: checkpointPrincipalId
    principalType: principalType
  }
}

module hub 'modules/hub.bicep' = {
  name: 'millrace-hub'
  params: {
    name: hubName
    location: location
    tags: tags
    sku: sku
    units: units
    partitions: hubPartitions
    retentionDays: hubRetentionDays
    consumerGroup: consumerGroup
    provisioningPolicyName: provisioning ? provisioningPolicyName : ''
    archiveIdentityId: archive ? storage.outputs.archiveIdentityId : ''
    archiveEndpointUri: archive ? storage.outputs.blobEndpoint : ''
    archiveContainer: archive ? storage.outputs.archiveContainer : ''
    archiveCondition: archiveCondition
    operatorPrincipalId: operatorPrincipalId
    principalType: principalType
    logWorkspaceId: logWorkspaceId
  }
}

module dps 'modules/dps.bicep' = if (provisioning) {
  name: 'millrace-dps'
  params: {
    name: '${prefix}-dps-${suffix}'
    location: location
    tags: tags
    hubName: hub.outputs.name
    hubHostName: hub.outputs.hostName
    hubPolicyName: provisioningPolicyName
  }
}

// Names only: whoever may read a deployment may read its outputs.
output hubName string = hub.outputs.name
output hubHostName string = hub.outputs.hostName
output eventHubName string = hub.outputs.eventHubName
output tier string = sku
output tierUnits int = units
output group string = consumerGroup
output ingestPolicy string = hub.outputs.ingestPolicy
output registryPolicy string = hub.outputs.registryPolicy
output storageAccount string = needsStorage ? storage.outputs.name : ''
output checkpointContainer string = checkpointsInBlob ? storage.outputs.checkpointContainer : ''
output dpsName string = provisioning ? dps.outputs.name : ''
output idScope string = provisioning ? dps.outputs.idScope : ''
