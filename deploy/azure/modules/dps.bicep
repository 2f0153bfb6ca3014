param name string
param location string
param tags object
param hubName string
param hubHostName string

@description('Policy of the hub by which the service makes devices. Hubs are linked by key only.')
param hubPolicyName string

var hubKey = listKeys(resourceId('Microsoft.Devices/IotHubs/IotHubKeys', hubName, hubPolicyName), '2023-06-30').primaryKey

resource service 'Microsoft.Devices/provisioningServices@2022-12-12' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'S1'
    capacity: 1
  }
  properties: {
    allocationPolicy: 'Hashed'
    iotHubs: [
      {
        location: location
        connectionString: 'HostName=${hubHostName};SharedAccessKeyName=${hubPolicyName};SharedAccessKey=${hubKey}'
      }
    ]
  }
}

output name string = service.name
output idScope string = service.properties.idScope
