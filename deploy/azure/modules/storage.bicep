param name string
param location string
param tags object

@description('A container for the checkpoints of the ingest.')
param checkpoints bool

@description('A container for messages, and an identity that may write to it.')
param archive bool

@description('Object id of who may look at the checkpoints. Empty: nobody is given a role.')
param checkpointPrincipalId string
param principalType string

var checkpointContainer = 'checkpoints'
var archiveContainer = 'archive'

// Storage Blob Data Contributor.
var blobContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    // The ingest opens its checkpoints with a shared access signature, which is made with a key of the account.
    allowSharedKeyAccess: checkpoints
    defaultToOAuthAuthentication: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource checkpointBlobs 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = if (checkpoints) {
  parent: blobs
  name: checkpointContainer
  properties: {
    publicAccess: 'None'
  }
}

resource archiveBlobs 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = if (archive) {
  parent: blobs
  name: archiveContainer
  properties: {
    publicAccess: 'None'
  }
}

resource archiveIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = if (archive) {
  name: '${name}-archive'
  location: location
  tags: tags
}

resource archiveWriter 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (archive) {
  scope: archiveBlobs
  name: guid(archiveBlobs.id, archiveIdentity.id, blobContributor)
  properties: {
    principalId: archiveIdentity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobContributor
  }
}

resource checkpointReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (checkpoints && !empty(checkpointPrincipalId)) {
  scope: checkpointBlobs
  name: guid(checkpointBlobs.id, checkpointPrincipalId, blobContributor)
  properties: {
    principalId: checkpointPrincipalId
    principalType: principalType
    roleDefinitionId: blobContributor
  }
}

output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output checkpointContainer string = checkpointContainer
output archiveContainer string = archiveContainer
output archiveIdentityId string = archive ? archiveIdentity.id : ''
