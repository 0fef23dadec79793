/* icpbare: what an ICP server costs that only receives and sends. It reads nothing, asks nobody and says MISS.
 *
 *   icpbare
 *
 * Prints the UDP port of 127.0.0.1 that it answers at.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
int main(void){
  int s=socket(AF_INET,SOCK_DGRAM,0),room=1<<20;setsockopt(s,SOL_SOCKET,SO_RCVBUF,&room,sizeof room);
  struct sockaddr_in a={.sin_family=AF_INET,.sin_addr.s_addr=htonl(INADDR_LOOPBACK)};socklen_t l=sizeof a;
  if(bind(s,(void*)&a,l)||getsockname(s,(void*)&a,&l)||fcntl(s,F_SETFL,O_NONBLOCK)){perror("bind");return 2;}
  int e=epoll_create1(0);struct epoll_event v={.events=EPOLLIN};epoll_ctl(e,EPOLL_CTL_ADD,s,&v);
  printf("%d\n",ntohs(a.sin_port));fflush(stdout);
  for(;;){
    unsigned char d[16385];struct sockaddr_in from;ssize_t n;
    epoll_wait(e,&v,1,-1);
    for(int i=0;i<64;i++){
      l=sizeof from;n=recvfrom(s,d,sizeof d,0,(void*)&from,&l);
      if(n<=24)break;
      d[0]=3;n-=4;d[2]=n>>8;d[3]=n;memset(d+8,0,8);memmove(d+20,d+24,n-20);
      sendto(s,d,n,0,(void*)&from,l);}}}
