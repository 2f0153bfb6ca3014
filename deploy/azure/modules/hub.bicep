param name string
param location string
param tags object
param sku string
param units int
param partitions int
param retentionDays int
param consumerGroup string

@description('Empty: no policy for a provisioning service.')
param provisioningPolicyName string

@description('Resource id of the identity by which the hub writes its archive. Empty: no archive.')
param archiveIdentityId string
param archiveEndpointUri string
param archiveContainer string
param archiveCondition string

@description('Object id of who registers devices. Empty: nobody is given a role.')
param operatorPrincipalId string
param principalType string

@description('Resource id of a Log Analytics workspace. Empty: no logs are kept.')
param logWorkspaceId string

var archives = !empty(archiveIdentityId)
var archiveEndpoint = 'archive'

// IoT Hub Registry Contributor.
var registryContributor = '4ea46cd5-c1b2-4a8e-910b-273211f9ce47'

// The built-in endpoint takes keys of a policy with ServiceConnect and no identities of Entra.
var ingestPolicy = 'millrace-ingest'
var registryPolicy = 'millrace-registry'
var ownPolicies = [
  {
    keyName: ingestPolicy
    rights: 'ServiceConnect'
  }
  {
    keyName: registryPolicy
    rights: 'RegistryRead, RegistryWrite'
  }
]
var provisioningPolicies = [
  {
    keyName: provisioningPolicyName
    rights: 'RegistryRead, RegistryWrite, ServiceConnect'
  }
]

// A route of any other endpoint ends the fallback for the messages that it matches, so this one is explicit.
var ingestRoute = {
  name: 'to-ingest'
  source: 'DeviceMessages'
  condition: 'true'
  endpointNames: [
    'events'
  ]
  isEnabled: true
}
var archiveRoute = {
  name: 'to-archive'
  source: 'DeviceMessages'
  condition: archiveCondition
  endpointNames: [
    archiveEndpoint
  ]
  isEnabled: true
}
var archiveEndpoints = [
  {
    name: archiveEndpoint
    authenticationType: 'identityBased'
    identity: {
      userAssignedIdentity: archiveIdentityId
    }
    endpointUri: archiveEndpointUri
    containerName: archiveContainer
    encoding: 'JSON'
    batchFrequencyInSeconds: 300
    maxChunkSizeInBytes: 104857600
    fileNameFormat: '{iothub}/{partition}/{YYYY}/{MM}/{DD}/{HH}/{mm}'
  }
]

resource hub 'Microsoft.Devices/IotHubs@2023-06-30' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    capacity: units
  }
  identity: archives ? {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${archiveIdentityId}': {}
    }
  } : {
    type: 'None'
  }
  properties: {
    minTlsVersion: '1.2'
    disableLocalAuth: false
    disableDeviceSAS: false
    disableModuleSAS: true
    authorizationPolicies: empty(provisioningPolicyName) ? ownPolicies : concat(ownPolicies, provisioningPolicies)
    eventHubEndpoints: {
      events: {
        partitionCount: partitions
        retentionTimeInDays: retentionDays
      }
    }
    routing: {
      endpoints: {
        storageContainers: archives ? archiveEndpoints : []
      }
      routes: archives ? [
        ingestRoute
        archiveRoute
      ] : [
        ingestRoute
      ]
      fallbackRoute: {
        name: '$fallback'
        source: 'DeviceMessages'
        condition: 'true'
        endpointNames: [
          'events'
        ]
        isEnabled: true
      }
    }
  }
}

resource readers 'Microsoft.Devices/IotHubs/eventHubEndpoints/ConsumerGroups@2023-06-30' = {
  name: '${hub.name}/events/${consumerGroup}'
  properties: {
    name: consumerGroup
  }
}

resource operator 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  scope: hub
  name: guid(hub.id, operatorPrincipalId, registryContributor)
  properties: {
    principalId: operatorPrincipalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', registryContributor)
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(logWorkspaceId)) {
  scope: hub
  name: 'millrace'
  properties: {
    workspaceId: logWorkspaceId
    logs: [
      {
        category: 'Connections'
        enabled: true
      }
      {
        category: 'DeviceTelemetry'
        enabled: true
      }
      {
        category: 'DeviceIdentityOperations'
        enabled: true
      }
      {
        category: 'Routes'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output name string = hub.name
output hostName string = hub.properties.hostName
output eventHubName string = hub.properties.eventHubEndpoints.events.path
output ingestPolicy string = ingestPolicy
output registryPolicy string = registryPolicy
